package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"walkabout/internal/bench/agents"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// result is a line of the table.
type result struct{ what, figure string }

// measure lets a do all walks of s. Of a strange agent it is only told when rows are missing.
func measure(ctx context.Context, a *agents.Agent, s *scene, o options, strange bool) ([]result, error) {
	results := []result{{"start to first answer", millis(a.Ready)}}
	idle, waits, err := rest(ctx, a, o.idle)
	if err != nil {
		return nil, err
	}
	results = append(results, result{"idle CPU", idle}, result{"nobody walks: another waits", waits.String()})
	for _, w := range s.walks {
		cpu, waits, err := perform(ctx, a, w, o.time)
		figure := millis(cpu)
		if strange && errors.Is(err, errRows) {
			figure, err = fmt.Sprintf("- (%v)", err), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.name, err)
		}
		results = append(results, result{w.name + ": CPU", figure}, result{w.name + ": another waits", waits.String()})
	}
	memory, err := a.Memory()
	return append(results, result{"memory after it", fmt.Sprintf("%.1f MB", float64(memory)/1e6)}), err
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// rest leaves a idle, and returns the part of one CPU that it took, and then how long a client waits whom nobody disturbs.
func rest(ctx context.Context, a *agents.Agent, idle time.Duration) (string, waits, error) {
	before, err := a.CPU()
	if err != nil {
		return "", nil, err
	}
	if !sleep(ctx, idle) {
		return "", nil, ctx.Err()
	}
	after, err := a.CPU()
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	w, err := disturb(ctx, a)
	return fmt.Sprintf("%.3f %%", 100*float64(after-before)/float64(idle)), w, err
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// perform repeats w for that time while another client asks as well, which must wait, and again by itself, for half as long: the CPU time is that of
// the cheapest. The first walk finds nothing that was read before.
func perform(ctx context.Context, a *agents.Agent, w walk, d time.Duration) (least time.Duration, _ waits, err error) {
	c, err := dial(a.Addr)
	if err != nil {
		return 0, nil, err
	}
	defer c.close()
	waits, err := beside(ctx, a, func() error { return c.walk(ctx, w) }, d)
	for begin := time.Now(); err == nil && (least == 0 || time.Since(begin) < d/2); {
		var before, after time.Duration
		if before, err = a.CPU(); err != nil {
			break
		}
		if err = c.walk(ctx, w); err != nil {
			break
		}
		after, err = a.CPU()
		if cpu := after - before; least == 0 || cpu < least {
			least = cpu
		}
	}
	return least, waits, err
}

// beside repeats f for that time, at least once, and returns how long another client had to wait meanwhile.
func beside(ctx context.Context, a *agents.Agent, f func() error, d time.Duration) (waits, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type told struct {
		waits waits
		err   error
	}
	done := make(chan told, 1)
	go func() {
		w, err := disturb(ctx, a)
		done <- told{w, err}
	}()
	err := f()
	for begin := time.Now(); err == nil && time.Since(begin) < d; {
		err = f()
	}
	cancel()
	t := <-done
	return t.waits, errors.Join(err, t.err)
}

// waits are how long answers took.
type waits []time.Duration

func (w waits) String() string {
	if len(w) == 0 {
		return "-"
	}
	slices.Sort(w)
	return fmt.Sprintf("%s, at worst %s", millis(w[len(w)*999/1000]), millis(w[len(w)-1]))
}

// disturb asks for sysName once a millisecond until ctx ends.
func disturb(ctx context.Context, a *agents.Agent) (waits, error) {
	c, err := dial(a.Addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	name := []snmp.VarBind{{Name: oid.MustParse("1.3.6.1.2.1.1.5.0")}}
	var w waits
	for ctx.Err() == nil {
		begin := time.Now()
		if _, err := c.ask(snmp.PDU{Type: snmp.GetRequest, VarBinds: name}); err != nil {
			return nil, err
		}
		took := time.Since(begin)
		w = append(w, took)
		time.Sleep(time.Millisecond - took)
	}
	return w, nil
}

// client asks by blocking system calls, which take less CPU time than Go's poller does.
type client struct {
	fd      int
	id      int32
	decoder snmp.Decoder
	answer  snmp.Message
	out     []byte
	in      [snmp.MaxMessageSize]byte
}

// answerTime is how long an answer may take: Net-SNMP reads 5,000 connections for seconds.
const answerTime = time.Minute

func dial(to netip.AddrPort) (*client, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	timeout := unix.NsecToTimeval(int64(answerTime))
	err = errors.Join(
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout),
		unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connect to %v: %w", to, err), unix.Close(fd))
	}
	return &client{fd: fd}, nil
}

func (c *client) close() { _ = unix.Close(c.fd) } // nothing is left in it

// ask returns the variable bindings of the answer, valid until the next call.
func (c *client) ask(p snmp.PDU) ([]snmp.VarBind, error) {
	c.id++
	p.RequestID = c.id
	m := snmp.Message{Version: snmp.V2c, Community: agents.Community, PDU: p}
	c.out = m.Append(c.out[:0])
	if _, err := unix.Write(c.fd, c.out); err != nil {
		return nil, fmt.Errorf("write: %w", err)
	}
	for {
		n, err := unix.Read(c.fd, c.in[:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("no answer: %w", err)
		}
		if err := c.decoder.Decode(c.in[:n], &c.answer); err != nil {
			return nil, err
		}
		if a := &c.answer.PDU; a.RequestID == c.id {
			if a.ErrorStatus != snmp.NoError {
				return nil, fmt.Errorf("answered %v", a.ErrorStatus)
			}
			return a.VarBinds, nil
		}
	}
}

// errRows says that a walk found less than there is, or went in circles.
var errRows = errors.New("not the rows that there are")

// repetitions are those of each GETBULK.
const repetitions = 25

// walk walks all tables of w.
func (c *client) walk(ctx context.Context, w walk) error {
	for _, t := range w.tables {
		entry := oid.MustParse("1.3.6.1.2.1." + t.entry)
		var columns []oid.OID
		for _, n := range t.columns {
			columns = append(columns, entry.Append(n))
		}
		groups := [][]oid.OID{columns}
		if !w.byRow {
			groups = slices.Collect(slices.Chunk(columns, 1))
		}
		for _, g := range groups {
			rows, err := c.columns(ctx, g)
			if err != nil {
				return err
			}
			if rows < w.least {
				return fmt.Errorf("%w: %v has %d, of %d at least", errRows, g[0], rows, w.least)
			}
		}
	}
	return nil
}

// columns walks columns side by side, until the first ends, and returns how many rows that had.
func (c *client) columns(ctx context.Context, columns []oid.OID) (rows int, err error) {
	at := make([]snmp.VarBind, len(columns))
	for i, o := range columns {
		at[i].Name = o
	}
	p := snmp.NewGetBulk(0, 0, repetitions)
	for ctx.Err() == nil {
		p.VarBinds = at
		answer, err := c.ask(p)
		if err != nil {
			return rows, err
		}
		whole := len(answer) / len(columns) * len(columns) // an answer may be cut anywhere
		if whole == 0 {
			return rows, fmt.Errorf("%w: an answer of %d variable bindings to %d", errRows, len(answer), len(columns))
		}
		for i := 0; i < whole; i += len(columns) {
			if !answer[i].Name.HasPrefix(columns[0]) || answer[i].Value.IsException() {
				return rows, nil
			}
			rows++
		}
		last := answer[whole-len(columns) : whole]
		if !at[0].Name.Less(last[0].Name) {
			return rows, fmt.Errorf("%w: %v after %v", errRows, last[0].Name, at[0].Name)
		}
		for i := range at {
			at[i].Name = last[i].Name
		}
	}
	return rows, ctx.Err()
}
