package statedir

// Give does nothing: here no program becomes another user.
func Give(string, int, int) error { return nil }
