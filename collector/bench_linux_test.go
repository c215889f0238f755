package collector_test

import (
	"context"
	"net"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"walkabout/collector"
	"walkabout/collector/session"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// cpu returns the CPU time that who has used: the process, or the calling thread.
func cpu(who int) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

const rusageThread = 1 // RUSAGE_THREAD of getrusage(2), which package syscall does not name

// BenchmarkPoll polls a switch of 48 ports (the profile interfaces), rates included, over a client in memory, which shows what the
// collector itself costs, and over shared sockets on loopback. cpu-µs/poll is CPU time without the agent's.
func BenchmarkPoll(b *testing.B) {
	b.Run("memory", func(b *testing.B) {
		d := &device{}
		poll(b, d, d.dial, func() time.Duration { return 0 })
	})
	b.Run("loopback", func(b *testing.B) {
		d := &device{}
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			b.Fatal(err)
		}
		var used atomic.Int64
		done := make(chan struct{})
		go func() {
			defer close(done)
			serve(conn, d, &used)
		}()
		sockets := session.NewSockets()
		poll(b, d, func(ctx context.Context, o session.Options) (session.Client, error) {
			o.Host, o.Port = "127.0.0.1", conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
			return sockets.Open(ctx, o)
		}, func() time.Duration { return time.Duration(used.Load()) })
		_ = sockets.Close()
		_ = conn.Close()
		<-done
	})
}

// poll polls b.N times; agent tells the CPU time that the agent has used.
func poll(b *testing.B, d *device, dial collector.Dial, agent func() time.Duration) {
	box := switchOf(48)
	once, err := collector.PollOnce(target("dev", "interfaces"), dial)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var total time.Duration
	for b.Loop() {
		b.StopTimer()
		d.change(func() {
			d.objects, d.fixed = box.objects, nil
			d.fixed = d.sortedLocked()
		})
		began, agentBegan := cpu(syscall.RUSAGE_SELF), agent()
		b.StartTimer()
		p := once(b.Context())
		if p.Err != nil || len(p.Samples) != 48 {
			b.Fatal(p.Err, len(p.Samples))
		}
		total += cpu(syscall.RUSAGE_SELF) - began - (agent() - agentBegan)
	}
	b.ReportMetric(float64(total.Microseconds())/float64(b.N), "cpu-µs/poll")
}

// serve answers from d until conn is closed, on a thread of its own, whose CPU time it keeps in used.
func serve(conn *net.UDPConn, d *device, used *atomic.Int64) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var decoder snmp.Decoder
	var m snmp.Message
	in, out := make([]byte, 65536), make([]byte, 0, 65536)
	var names []oid.OID
	for {
		n, from, err := conn.ReadFromUDPAddrPort(in)
		if err != nil {
			return
		}
		if err := decoder.Decode(in[:n], &m); err != nil {
			continue
		}
		names = names[:0]
		for _, vb := range m.PDU.VarBinds {
			names = append(names, vb.Name)
		}
		var vbs []snmp.VarBind
		if m.PDU.Type == snmp.GetBulkRequest {
			vbs, err = d.Bulk(context.Background(), nil, m.PDU.NonRepeaters(), names, m.PDU.MaxRepetitions())
		} else {
			vbs, err = d.Get(context.Background(), nil, names)
		}
		if err != nil {
			continue
		}
		m.PDU.Type, m.PDU.ErrorStatus, m.PDU.ErrorIndex, m.PDU.VarBinds = snmp.Response, 0, 0, vbs
		out = m.Append(out[:0])
		used.Store(int64(cpu(rusageThread)))
		_, _ = conn.WriteToUDPAddrPort(out, from)
	}
}
