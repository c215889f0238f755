package trap

import "time"

// SetWall gives r another clock than time.Now to see by how long the computer was suspended. It is for before Serve.
func SetWall(r *Receiver, wall func() time.Time) { r.sleep.wall = wall }
