package silence

import (
	"errors"
	"fmt"
	"time"
)

// Silence keeps the alerts that Matchers match from people, from StartsAt until EndsAt.
type Silence struct {
	ID       string    `json:"id"`
	Matchers Matchers  `json:"matchers"`
	StartsAt time.Time `json:"starts_at"`
	EndsAt   time.Time `json:"ends_at"`
	Author   string    `json:"author"`
	Reason   string    `json:"reason"`
	Created  time.Time `json:"created_at"`
}

const (
	maxText   = 1024
	maxLength = 366 * 24 * time.Hour
)

// Validate returns what is wrong with s. One that ends as it begins is right: it was over before it began.
func (s *Silence) Validate() error {
	switch {
	case s.ID == "" || len(s.ID) > maxText:
		return errors.New("a silence needs an id")
	case s.Author == "":
		return errors.New("a silence needs an author: people will want to ask")
	case s.Reason == "":
		return errors.New("a silence needs a reason")
	case len(s.Author) > maxText || len(s.Reason) > maxText:
		return fmt.Errorf("author and reason have at most %d octets", maxText)
	case s.EndsAt.Before(s.StartsAt):
		return errors.New("a silence ends after it begins")
	case s.StartsAt.UTC().Year() < 1 || s.EndsAt.UTC().Year() > 9999: // JSON cannot hold it, and the alerts' state on disk is JSON
		return errors.New("a silence begins and ends in the years 1 to 9999")
	case s.EndsAt.Sub(s.StartsAt) > maxLength:
		return errors.New("a silence lasts a year at most; alerts: ignore: in the configuration is for ever")
	}
	return s.Matchers.Validate()
}

// Active reports whether s silences at that time.
func (s *Silence) Active(at time.Time) bool { return !at.Before(s.StartsAt) && at.Before(s.EndsAt) }
