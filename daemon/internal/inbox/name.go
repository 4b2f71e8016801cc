package inbox

import "regexp"

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// CheckName returns an Invalid fault unless name may name an org or a user:
// 1 to 63 of a-z 0-9 . _ -, the first a letter or digit. Metric labels and the
// command line use these names as they are.
func CheckName(what, name string) error {
	if namePattern.MatchString(name) {
		return nil
	}
	return Faultf(Invalid, "bad_name", "%s name %q is not valid: use 1 to 63 of a-z 0-9 . _ - and begin with a letter or digit", what, name)
}
