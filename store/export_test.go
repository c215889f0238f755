package store

// OctetsPerSample returns what a sample in a block takes on disk.
func (s *Store) OctetsPerSample() float64 {
	db, err := s.use()
	if err != nil {
		return 0
	}
	defer s.done()
	var octets, samples float64
	for _, b := range db.Blocks() {
		octets += float64(b.Size())
		samples += float64(b.Meta().Stats.NumSamples)
	}
	return octets / samples
}
