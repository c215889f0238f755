package machine

import (
	"context"
	"time"
)

// Unknown is the value of an amount that the system does not tell.
const Unknown = -1

// hostSource reads what is not of the network. What holds for a source holds for it.
type hostSource interface {
	memory(at time.Time) (*Memory, error)
	processors(at time.Time) (*Processors, error)
	loadAverage(at time.Time) (LoadAverage, error)
	kernelState(at time.Time) (*Kernel, error)
	sessions(at time.Time) (int, error)
	processes(at time.Time) ([]Process, error)
	fileSystems(at time.Time) ([]FileSystem, error)
	disks(at time.Time) ([]Disk, error)
	packages(at time.Time) (*Packages, error)
	sensors(at time.Time) ([]Sensor, error)
}

// hostReading is the parts of a Reading that are not of the network.
type hostReading struct {
	memory      part[*Memory]
	processors  part[*Processors]
	loadAverage part[LoadAverage]
	kernel      part[*Kernel]
	sessions    part[int]
	processes   part[[]Process]
	fileSystems part[[]FileSystem]
	disks       part[[]Disk]
	packages    part[*Packages]
	sensors     part[[]Sensor]
}

// Memory returns how main memory and swap are used.
func (r *Reading) Memory(ctx context.Context) (*Memory, error) {
	return read(ctx, r, &r.hostReading.memory, PartMemory, source.memory)
}

// Processors returns what the processors spend their time on.
func (r *Reading) Processors(ctx context.Context) (*Processors, error) {
	return read(ctx, r, &r.hostReading.processors, PartProcessors, source.processors)
}

// LoadAverage returns how many processes want to run.
func (r *Reading) LoadAverage(ctx context.Context) (LoadAverage, error) {
	return read(ctx, r, &r.hostReading.loadAverage, PartLoadAverage, source.loadAverage)
}

// Kernel returns the kernel's own counters, and how it was started.
func (r *Reading) Kernel(ctx context.Context) (*Kernel, error) {
	return read(ctx, r, &r.hostReading.kernel, PartKernel, source.kernelState)
}

// Sessions returns how many users are logged in, each as often as they are.
func (r *Reading) Sessions(ctx context.Context) (int, error) {
	return read(ctx, r, &r.hostReading.sessions, PartSessions, source.sessions)
}

// Processes returns the processes, ascending by ID. They are read at most once a second.
func (r *Reading) Processes(ctx context.Context) ([]Process, error) {
	return read(ctx, r, &r.hostReading.processes, PartProcesses, source.processes)
}

// FileSystems returns the mounted file systems that have storage, in the order in which they were mounted. Several may be of one mount
// point, of which the last hides the others: those are left out.
func (r *Reading) FileSystems(ctx context.Context) ([]FileSystem, error) {
	return read(ctx, r, &r.hostReading.fileSystems, PartFileSystems, source.fileSystems)
}

// Disks returns the block devices and their partitions, in the kernel's order.
func (r *Reading) Disks(ctx context.Context) ([]Disk, error) {
	return read(ctx, r, &r.hostReading.disks, PartDisks, source.disks)
}

// Packages returns the installed software. It is read when its database has changed.
func (r *Reading) Packages(ctx context.Context) (*Packages, error) {
	return read(ctx, r, &r.hostReading.packages, PartPackages, source.packages)
}

// Sensors returns what measures temperature, fans, voltages, currents and power, in the order of their chips. They are read at most
// once in two seconds.
func (r *Reading) Sensors(ctx context.Context) ([]Sensor, error) {
	return read(ctx, r, &r.hostReading.sensors, PartSensors, source.sensors)
}

// GivenHost is what a Given machine says of itself beside the network.
type GivenHost struct {
	Memory      func(at time.Time) (*Memory, error)
	Processors  func(at time.Time) (*Processors, error)
	LoadAverage func(at time.Time) (LoadAverage, error)
	Kernel      func(at time.Time) (*Kernel, error)
	Sessions    func(at time.Time) (int, error)
	Processes   func(at time.Time) ([]Process, error)
	FileSystems func(at time.Time) ([]FileSystem, error)
	Disks       func(at time.Time) ([]Disk, error)
	Packages    func(at time.Time) (*Packages, error)
	Sensors     func(at time.Time) ([]Sensor, error)
}

func (g GivenHost) memory(at time.Time) (*Memory, error)           { return call(g.Memory, at) }
func (g GivenHost) processors(at time.Time) (*Processors, error)   { return call(g.Processors, at) }
func (g GivenHost) loadAverage(at time.Time) (LoadAverage, error)  { return call(g.LoadAverage, at) }
func (g GivenHost) kernelState(at time.Time) (*Kernel, error)      { return call(g.Kernel, at) }
func (g GivenHost) sessions(at time.Time) (int, error)             { return call(g.Sessions, at) }
func (g GivenHost) processes(at time.Time) ([]Process, error)      { return call(g.Processes, at) }
func (g GivenHost) fileSystems(at time.Time) ([]FileSystem, error) { return call(g.FileSystems, at) }
func (g GivenHost) disks(at time.Time) ([]Disk, error)             { return call(g.Disks, at) }
func (g GivenHost) packages(at time.Time) (*Packages, error)       { return call(g.Packages, at) }
func (g GivenHost) sensors(at time.Time) ([]Sensor, error)         { return call(g.Sensors, at) }
