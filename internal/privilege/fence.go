package privilege

// Fence is what the process and the programs that it starts may still do with files. What it does not name is out of reach, but for what is
// open already. A path that is not there is left out; one that is a link stands for what it leads to now.
type Fence struct {
	Read    []string // files, and folders with all that is and will be in them; programs may be started from there
	Write   []string // the same, to read, change, make and remove
	Sockets []string // folders, to make unix sockets in and remove them
	Remove  []string // folders, to remove files from
}
