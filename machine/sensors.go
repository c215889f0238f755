package machine

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// SensorKind is what a Sensor measures.
type SensorKind uint8

// The kinds, and the units of Sensor.Value.
const (
	Temperature SensorKind = iota // thousandths of a degree Celsius
	Fan                           // revolutions a minute
	Voltage                       // millivolts
	Current                       // milliamperes
	Power                         // microwatts
	Humidity                      // thousandths of a percent
)

// Sensor is one input of a hardware monitoring chip (Documentation/hwmon/sysfs-interface.rst).
type Sensor struct {
	Chip   string // the driver's name: coretemp, nct6775
	Device string // tells chips of one driver apart: the folder of sysfs that they are below
	Kind   SensorKind
	Number uint32 // of its kind in its chip, from 0 or 1
	Label  string // "CPU Fan"; "" if it has none
	Value  int64
	// Working is false while the chip says that it cannot measure; Value means nothing then.
	Working bool
}

// sensorPrefixes are how files of each kind begin: temp1_input.
var sensorPrefixes = []string{Temperature: "temp", Fan: "fan", Voltage: "in", Current: "curr", Power: "power", Humidity: "humidity"}

// readSensors reads every chip below /sys/class/hwmon. A machine without one has none, which is no error.
func readSensors(sys string) ([]Sensor, error) {
	class := filepath.Join(sys, "class/hwmon")
	entries, err := os.ReadDir(class)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	out := []Sensor{}
	for _, e := range entries {
		dir := filepath.Join(class, e.Name())
		name := readText(filepath.Join(dir, "name"))
		if name == "" { // older drivers have their files a folder deeper
			dir = filepath.Join(dir, "device")
			name = readText(filepath.Join(dir, "name"))
		}
		if name == "" {
			name = e.Name()
		}
		device := e.Name()
		if target, err := filepath.EvalSymlinks(filepath.Join(class, e.Name(), "device")); err == nil {
			device = filepath.Base(target)
		}
		out = append(out, readChip(dir, name, device)...)
	}
	slices.SortStableFunc(out, func(a, b Sensor) int {
		return cmp.Or(cmp.Compare(a.Chip, b.Chip), cmp.Compare(a.Device, b.Device), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Number, b.Number))
	})
	return out, nil
}

func readChip(dir, chip, device string) (out []Sensor) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, f := range files {
		stem, ok := strings.CutSuffix(f.Name(), "_input")
		if !ok {
			continue
		}
		kind, number, ok := parseSensorName(stem)
		if !ok {
			continue
		}
		s := Sensor{Chip: chip, Device: device, Kind: kind, Number: number, Label: readText(filepath.Join(dir, stem+"_label"))}
		if n, ok := readNumber(filepath.Join(dir, f.Name())); ok {
			s.Value, s.Working = int64(n), true
		}
		if fault, _ := readNumber(filepath.Join(dir, stem+"_fault")); fault == 1 {
			s.Working = false
		}
		out = append(out, s)
	}
	return out
}

func parseSensorName(stem string) (SensorKind, uint32, bool) {
	for kind, prefix := range sensorPrefixes {
		rest, ok := strings.CutPrefix(stem, prefix)
		if !ok {
			continue
		}
		if n, err := strconv.ParseUint(rest, 10, 16); err == nil {
			return SensorKind(kind), uint32(n), true
		}
	}
	return 0, 0, false
}

// Name returns the label of s, else the name of its files: temp1.
func (s *Sensor) Name() string {
	if s.Label != "" {
		return s.Label
	}
	return sensorPrefixes[s.Kind] + strconv.FormatUint(uint64(s.Number), 10)
}
