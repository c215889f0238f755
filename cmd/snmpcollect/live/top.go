package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Client asks a running collector.
type Client struct {
	Base string // its URL, such as http://127.0.0.1:8161
	HTTP *http.Client
}

// Where names it in a few letters.
func (c Client) Where() string { return strings.TrimPrefix(c.Base, "http://") }

// maxView bounds an answer: MaxLimit entries with long errors.
const maxView = 16 << 20

// View asks for q. An error says what to do.
func (c Client) View(ctx context.Context, q Query) (View, error) {
	var v View
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Base+Path+"?"+q.Values().Encode(), nil)
	if err != nil {
		return v, fmt.Errorf("%q is no URL: %w", c.Base, err)
	}
	answer, err := c.HTTP.Do(r)
	if err != nil {
		return v, fmt.Errorf("no collector answers at %s (is it running, with this address as listen:?): %w", c.Where(), errors.Unwrap(err))
	}
	defer answer.Body.Close()
	body := io.LimitReader(answer.Body, maxView)
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(body, 200))
		return v, fmt.Errorf("what answers at %s is no collector that can show this: %s: %s", c.Where(), answer.Status, Clip(strings.TrimSpace(string(text)), 100))
	}
	if err := json.NewDecoder(body).Decode(&v); err != nil {
		return v, fmt.Errorf("what answers at %s is no collector: %w", c.Where(), err)
	}
	return v, nil
}

// Top shows a collector again and again. It is for one goroutine.
type Top struct {
	Client Client
	Query  Query
	Every  time.Duration
	Out    io.Writer
	Keys   <-chan rune                // what is typed; nil: nothing can be
	Size   func() (width, height int) // of the terminal; 0 is no limit

	view    View
	err     error
	typing  bool // the filter is being written
	written string
	help    bool
}

// Once draws one frame.
func (t *Top) Once(ctx context.Context) error {
	v, err := t.Client.View(ctx, t.Query)
	if err != nil {
		return err
	}
	_, err = io.WriteString(t.Out, Frame(v, t.Query, t.Client.Where(), 0, 0))
	return err
}

// What a terminal is told: another screen without a cursor, and back.
const (
	enter = "\x1b[?1049h\x1b[?25l"
	leave = "\x1b[?25h\x1b[?1049l"
	home  = "\x1b[H"
	erase = "\x1b[J"
)

// Run draws until ctx ends or q is typed, and leaves the terminal as it was.
func (t *Top) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if _, err := io.WriteString(t.Out, enter); err != nil {
		return err
	}
	defer func() { _, _ = io.WriteString(t.Out, leave) }()
	tick := time.NewTicker(t.Every)
	defer tick.Stop()
	for ask := true; ; {
		if ask {
			v, err := t.Client.View(ctx, t.Query)
			if ctx.Err() != nil {
				return nil
			}
			if t.err = err; err == nil {
				t.view = v
			}
		}
		if _, err := io.WriteString(t.Out, t.frame()); err != nil {
			return nil // nobody looks any more
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			ask = true
		case k, ok := <-t.Keys:
			if !ok {
				t.Keys = nil
				continue
			}
			var quit bool
			if ask, quit = t.key(k); quit {
				return nil
			}
		}
	}
}

// frame is what is drawn now. In a raw terminal a line ends with CR and LF.
func (t *Top) frame() string {
	width, height := t.Size()
	foot := "q quit  s sort  d devices  / filter  ? help"
	switch {
	case t.typing:
		foot = "filter: " + Clip(t.written, 60) + "_   (Enter takes it, Esc leaves it)"
	case t.err != nil:
		foot = "! " + t.err.Error()
	case t.Keys == nil:
		foot = ""
	}
	text := Frame(t.view, t.Query, t.Client.Where(), width, max(1, height-2))
	if t.help {
		text = help
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if height > 2 {
		lines = lines[:min(len(lines), height-2)]
	}
	lines = append(lines, "", Fit(foot, width))
	return home + strings.Join(lines, "\x1b[K\r\n") + "\x1b[K" + erase
}

const help = `Keys:

  s    next order           S    order before
  d    devices, and which is slow and why; again: interfaces
  /    filter: words that all stand in a line (device, name, alias, up/down, verdict, firing)
  Esc  no filter
  q    quit

DEVICES: AGO is since the last poll began, POLL how long it took, LAG by how much it began late, WITHHELD
counters that had no rate. /metrics has each by its reason.
`

// key takes what was typed. ask says to ask anew, quit to end.
func (t *Top) key(k rune) (ask, quit bool) {
	const escape, backspace, del, interrupt = 27, 8, 127, 3
	if k == interrupt {
		return false, true
	}
	if t.typing {
		switch k {
		case '\r', '\n':
			t.typing, t.Query.Filter = false, t.written
			return true, false
		case escape:
			t.typing = false
		case backspace, del:
			_, size := utf8.DecodeLastRuneInString(t.written)
			t.written = t.written[:len(t.written)-size]
		default:
			if k >= ' ' && len(t.written) < 200 {
				t.written += string(k)
			}
		}
		return false, false
	}
	t.help = k == '?' && !t.help
	switch k {
	case 'q', 'Q':
		return false, true
	case 's':
		t.turn(1)
	case 'S':
		t.turn(-1)
	case 'd':
		t.Query.Devices, t.Query.Sort = !t.Query.Devices, ""
	case '/':
		t.typing, t.written = true, t.Query.Filter
		return false, false
	case escape:
		t.Query.Filter = ""
	default:
		return false, false
	}
	return true, false
}

// turn goes to another order.
func (t *Top) turn(by int) {
	sorts := t.Query.Sorts()
	at := slices.Index(sorts, t.Query.order())
	t.Query.Sort = sorts[(at+by+len(sorts))%len(sorts)]
}
