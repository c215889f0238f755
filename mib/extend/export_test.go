package extend

import "time"

// SetWait bounds how long a request waits for programs, before the first request.
func (m *MIB) SetWait(most time.Duration) { m.wait = most }
