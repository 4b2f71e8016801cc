// Package validate checks the files of configs/ that other programs read: it
// builds the Kubernetes overlays and decodes every object strictly, and loads the
// compose file, all without a network. It is a module of its own, so that what it
// needs stays out of inboxd.
//
//	go -C .ci/validate test ./...
package validate
