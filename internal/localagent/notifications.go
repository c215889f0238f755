package localagent

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"walkabout/agent/notify"
	"walkabout/machine"
	"walkabout/mib/mib2"
	"walkabout/snmp/oid"
)

const (
	// closeTime bounds how long the last notifications may take.
	closeTime = 2 * time.Second
	// linkRoom is how many changes of links wait for their notifications to be made, which takes microseconds.
	linkRoom = 1024
	// linkPoll is how often the links are read where the system does not tell of their changes.
	linkPoll = 5 * time.Second
)

// notifications tells of what happens to the agent and to the links of its machine.
type notifications struct {
	sender  *notify.Sender
	machine *machine.Machine
	mib     *mib2.MIB
	log     *slog.Logger
	links   atomic.Bool // linkUp and linkDown are told

	stop    context.CancelFunc
	running sync.WaitGroup
}

func newNotifications(m *machine.Machine, mib *mib2.MIB, c notify.Config) *notifications {
	n := &notifications{sender: notify.New(c), machine: m, mib: mib, log: c.Log}
	ctx, stop := context.WithCancel(context.Background())
	n.stop = stop
	watch := m.WatchLinks(linkRoom)
	n.running.Go(func() {
		defer watch.Close()
		n.watchLinks(ctx, watch)
	})
	return n
}

// SetTargets replaces the targets of notifications; an error, and no change, if one is not valid.
func (n *notifications) SetTargets(targets []notify.Target) error {
	return n.sender.SetTargets(targets)
}

// SetLinkTraps says whether linkUp and linkDown are sent for the links whose ifLinkUpDownTrapEnable is enabled; they are not before.
func (n *notifications) SetLinkTraps(on bool) { n.links.Store(on) }

// Notify sends a notification that has no objects. It does not wait.
func (n *notifications) Notify(trap oid.OID) {
	s := notify.Notification{TrapOID: trap}
	if trap.HasPrefix(standardTraps) {
		s.Enterprise = n.mib.ObjectID()
	}
	n.sender.Notify(s)
}

// Forward sends another program's notification. It does not wait.
func (n *notifications) Forward(s notify.Notification) { n.sender.Notify(s) }

// standardTraps is where RFC 3418's notifications are, whose enterprise in SNMPv1 is sysObjectID (RFC 1157 section 4.1.6).
var standardTraps = notify.ColdStart.Slice(0, notify.ColdStart.Len()-1)

func (n *notifications) watchLinks(ctx context.Context, watch *machine.LinkWatch) {
	var tick <-chan time.Time
	if runtime.GOOS != "linux" {
		t := time.NewTicker(linkPoll)
		defer t.Stop()
		tick = t.C
	}
	var lost uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
			if n.links.Load() {
				_, _ = n.machine.Reading(time.Now(), false).Links(ctx) // the machine logs its own faults
			}
		case e := <-watch.Events():
			n.linkChanged(e)
			if now := watch.Lost(); now != lost {
				n.log.Warn("links changed faster than could be told", "lost", now-lost)
				lost = now
			}
		}
	}
}

func (n *notifications) linkChanged(e machine.LinkEvent) {
	if !n.links.Load() {
		return
	}
	t, ok := n.mib.LinkTrapOf(e)
	if !ok {
		return
	}
	s := notify.Notification{TrapOID: notify.LinkDown, VarBinds: t.VarBinds, Enterprise: n.mib.ObjectID(), At: e.At}
	if t.Up {
		s.TrapOID = notify.LinkUp
	}
	n.sender.Notify(s)
}

// close sends what waits, for a short time, and returns when no goroutine is left.
func (n *notifications) close() {
	n.stop()
	n.running.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	n.sender.Close(ctx)
	s := &n.sender.Stats
	if sent, dropped := s.Sent.Load(), s.Dropped.Load(); sent+dropped > 0 {
		n.log.Info("notifications", "sent", sent, "acknowledged", s.Acknowledged.Load(), "unacknowledged", s.Unacknowledged.Load(), "dropped", dropped)
	}
}
