package dns

// Frame is frame, for FuzzTap.
func (t *Tap) Frame(b []byte) { t.frame(b) }
