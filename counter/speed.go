package counter

// Speed returns an interface's speed in bits/s from ifHighSpeed (Mb/s) and ifSpeed (bits/s; 0 for one that is absent): ifHighSpeed where it is
// above 0, else ifSpeed.
func Speed(ifHighSpeed, ifSpeed uint32) uint64 {
	if ifHighSpeed > 0 {
		return uint64(ifHighSpeed) * 1_000_000
	}
	return uint64(ifSpeed)
}
