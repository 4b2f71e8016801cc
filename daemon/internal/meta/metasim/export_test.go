package metasim

// AppendString is the encoder of webhook texts, for its fuzz test.
func AppendString(dst []byte, s string) []byte { return appendString(dst, s) }
