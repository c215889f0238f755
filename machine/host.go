package machine

import "time"

// Host is who this machine is. A string that the system does not tell is empty.
type Host struct {
	Hostname string // as the kernel has it; it may change while we run
	System   string // uname -s, such as "Linux"
	Release  string // uname -r
	Version  string // uname -v
	Hardware string // uname -m, such as "x86_64"
	BootTime time.Time
}
