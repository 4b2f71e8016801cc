// Package archtest holds the plan of the house as tests: who may import whom,
// what the two binaries may link, and how a file has to look. It owns no code;
// it refuses to be imported.
package archtest
