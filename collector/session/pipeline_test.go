package session_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"walkabout/collector/session"
	"walkabout/snmp"
	"walkabout/snmp/ber"
)

// questions asks for the successors of x.0 to x.(n-1), one a request, and keeps what was answered.
type questions struct {
	n       int
	next    int
	slots   [session.Depth]int
	open    int // at present
	most    int // at a time
	answers []int
	trips   []time.Duration
	fail    error // what Answer returns
}

func (q *questions) Next(slot int, list []byte) (session.Request, []byte, bool) {
	if q.next == q.n {
		return session.Request{}, list, false
	}
	q.slots[slot] = q.next
	q.next++
	q.open++
	q.most = max(q.most, q.open)
	list = snmp.AppendName(list, ber.AppendOIDContent(nil, x.Append(uint32(q.slots[slot]))), nil)
	return session.Request{Repetitions: 1}, list, true
}

func (q *questions) Answer(slot int, b *snmp.Answer, _ int, sent, came time.Time) error {
	q.open--
	q.trips = append(q.trips, came.Sub(sent))
	vb, err := b.Next()
	if err != nil {
		return err
	}
	v, _ := vb.Value()
	if v != snmp.Integer(int32(q.slots[slot])) {
		return fmt.Errorf("the answer to %d is %v", q.slots[slot], v)
	}
	q.answers = append(q.answers, q.slots[slot])
	return q.fail
}

// askAll asks n questions and checks that each is answered once.
func askAll(t *testing.T, c session.Client, n int) *questions {
	t.Helper()
	q := &questions{n: n}
	if err := c.(session.Pipeline).Ask(t.Context(), q); err != nil {
		t.Errorf("Ask: %v", err)
	}
	slices.Sort(q.answers)
	if len(q.answers) != n || len(slices.Compact(q.answers)) != n {
		t.Errorf("%d questions, of which these were answered: %v", n, q.answers)
	}
	if q.most > session.Depth {
		t.Errorf("%d at a time", q.most)
	}
	return q
}

// TestPipeline holds that each request is answered once and in pairs, whatever the network and the agent do.
func TestPipeline(t *testing.T) {
	tests := map[string]func(n int, reply snmp.Message, send func(snmp.Message)){
		"well": func(_ int, reply snmp.Message, send func(snmp.Message)) {
			time.Sleep(20 * time.Millisecond)
			send(reply)
		},
		"every third is lost": func(n int, reply snmp.Message, send func(snmp.Message)) {
			if n%3 != 0 {
				send(reply)
			}
		},
		"each comes twice": func(_ int, reply snmp.Message, send func(snmp.Message)) {
			send(reply)
			send(reply)
		},
		"late, after the next transmission": func(n int, reply snmp.Message, send func(snmp.Message)) {
			if n > 4 {
				time.Sleep(300 * time.Millisecond)
			}
			send(reply)
		},
		"another request-id first": func(_ int, reply snmp.Message, send func(snmp.Message)) {
			other := reply
			other.PDU.RequestID++
			send(other)
			send(reply)
		},
		"another community first": func(_ int, reply snmp.Message, send func(snmp.Message)) {
			other := reply
			other.Community = "other"
			send(other)
			send(reply)
		},
	}
	for name, do := range tests {
		t.Run(name, func(t *testing.T) {
			withAgents(t, func(t *testing.T, b *bench) {
				n := 0
				b.agent("192.0.2.1:161", func(q snmp.Message, send func(snmp.Message)) {
					n++
					do(n, answer(q, snmp.Integer(int32(q.PDU.VarBinds[0].Name.Last()))), send)
				})
				c, stats := b.open(session.Options{Timeout: 2 * time.Second, Retries: 5})
				for range 3 {
					q := askAll(t, c, 20)
					if q.most != session.Depth {
						t.Errorf("%d at a time", q.most)
					}
				}
				if stats.Requests.Load() != 60 {
					t.Errorf("%d requests", stats.Requests.Load())
				}
			})
		})
	}
}

// TestPipelineEnds holds how Ask ends before all is answered, and that the session works afterwards.
func TestPipelineEnds(t *testing.T) {
	mine := errors.New("mine")
	var response *session.ResponseError
	tests := map[string]struct {
		reply func(n int, reply snmp.Message, send func(snmp.Message))
		fail  error
		end   func(c session.Client, cancel context.CancelFunc)
		is    func(error) bool
		after bool // the session can be used
	}{
		"silence": {
			reply: func(int, snmp.Message, func(snmp.Message)) {},
			is:    func(err error) bool { return errors.Is(err, session.ErrTimeout) },
		},
		"an error-status": {
			reply: func(n int, reply snmp.Message, send func(snmp.Message)) {
				if n == 4 {
					reply.PDU.ErrorStatus, reply.PDU.ErrorIndex = snmp.GenErr, 1
				}
				send(reply)
			},
			is: func(err error) bool { return errors.As(err, &response) && response.Status == snmp.GenErr }, after: true,
		},
		"an error of the requests'": {
			reply: func(_ int, reply snmp.Message, send func(snmp.Message)) { send(reply) },
			fail:  mine, is: func(err error) bool { return errors.Is(err, mine) }, after: true,
		},
		"cancelled": {
			reply: func(int, snmp.Message, func(snmp.Message)) {},
			end:   func(_ session.Client, cancel context.CancelFunc) { cancel() },
			is:    func(err error) bool { return errors.Is(err, context.Canceled) },
		},
		"closed": {
			reply: func(int, snmp.Message, func(snmp.Message)) {},
			end:   func(c session.Client, _ context.CancelFunc) { _ = c.Close() },
			is:    func(err error) bool { return errors.Is(err, net.ErrClosed) },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			withAgents(t, func(t *testing.T, b *bench) {
				n, well := 0, false
				b.agent("192.0.2.1:161", func(q snmp.Message, send func(snmp.Message)) {
					n++
					if reply := answer(q, snmp.Integer(int32(q.PDU.VarBinds[0].Name.Last()))); well {
						send(reply)
					} else {
						tt.reply(n, reply, send)
					}
				})
				c, _ := b.open(session.Options{Timeout: 2 * time.Second, Retries: 2})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.end != nil {
					time.AfterFunc(time.Second, func() { tt.end(c, cancel) })
				}
				began := time.Now()
				err := c.(session.Pipeline).Ask(ctx, &questions{n: 20, fail: tt.fail})
				if !tt.is(err) {
					t.Errorf("Ask: %v", err)
				}
				if tt.end != nil && time.Since(began) != time.Second {
					t.Errorf("it took %v", time.Since(began))
				}
				if tt.after {
					b.do(func() { well = true })
					askAll(t, c, 20)
				}
			})
		})
	}
}
