package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"walkabout/alert"
	"walkabout/web"
)

// bigFleet is 5,000 switches of 48 ports, each polled often enough for all that is remembered of it.
func bigFleet(b *testing.B) *fixture {
	b.Helper()
	const devices, portsEach = 5000, 48
	var names []string
	for i := range devices {
		names = append(names, fmt.Sprintf("switch-%04d.example.net", i))
	}
	f := newFixture(names...)
	var list []port
	for n := range portsEach {
		p := up(fmt.Sprintf("GigabitEthernet1/0/%d", n+1), uint64(n+1), float64(n)*1e5, 1e6)
		p.descr, p.alias = p.name, fmt.Sprintf("desk %d, floor 3", n)
		list = append(list, p)
	}
	for i, name := range names {
		f.poll(name, 0, nil, list...)
		f.poll(name, 1, nil, list...)
		f.stats = append(f.stats, web.DeviceStats{Device: name, RoundTrip: time.Millisecond})
		if i%10 == 0 {
			f.alerts.current = append(f.alerts.current, alert.Alert{Device: name, Key: "GigabitEthernet1/0/3", State: alert.Firing, Fingerprint: fmt.Sprint(i)})
		}
	}
	return f.serve()
}

// BenchmarkFleet answers what the page of 5,000 devices asks for. MB is what the whole Memory takes, of which a port is some 300 octets.
func BenchmarkFleet(b *testing.B) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f := bigFleet(b)
	runtime.GC()
	runtime.ReadMemStats(&after)
	for name, query := range map[string]string{"first": "", "search": "?search=switch-49+gb", "sorted": "?sort=load&desc=true&limit=1000", "alerts": "?sort=alerts&desc=true"} {
		b.Run(name, func(b *testing.B) {
			ask(b, f, "fleet"+query)
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB")
		})
	}
}

// BenchmarkDevice answers what the page of a switch of 48 ports asks for in a large fleet, and that of a chassis with 2,000.
func BenchmarkDevice(b *testing.B) {
	b.Run("48", func(b *testing.B) { ask(b, bigFleet(b), "device?device=switch-0007.example.net") })
	f := newFixture("chassis")
	var list []port
	for n := range 2000 {
		list = append(list, up(fmt.Sprintf("GigabitEthernet%d/0/%d", n/48, n%48+1), uint64(n+1), float64(n)*1e5, 1e6))
	}
	for n := range web.RecentPoints {
		f.poll("chassis", n, nil, list...)
	}
	f.serve()
	for name, query := range map[string]string{"2000": "", "2000 sorted": "&sort=load&desc=true", "2000 search": "&search=ethernet4+17"} {
		b.Run(name, func(b *testing.B) { ask(b, f, "device?device=chassis"+query) })
	}
}

// ask asks for a path below /api/ui/ as a browser does, and reports the octets of the answer.
func ask(b *testing.B, f *fixture, path string) {
	b.ReportAllocs()
	octets := 0
	for b.Loop() {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/api/ui/"+path, nil)
		r.Header.Set("Accept-Encoding", "gzip")
		f.mux.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
		octets = w.Body.Len()
	}
	b.ReportMetric(float64(octets), "octets")
}

// BenchmarkPoll is what the pages cost a poll of a switch of 48 ports.
func BenchmarkPoll(b *testing.B) {
	f := newFixture("core1")
	p := web.Poll{Device: "core1", At: at, Interval: 30 * time.Second, Answered: true, UpTime: 360000, HasUpTime: true}
	for n := range 48 {
		p.Samples = append(p.Samples, up(fmt.Sprintf("GigabitEthernet1/0/%d", n+1), uint64(n+1), float64(n)*1e5, 1e6).sample("core1"))
	}
	b.ReportAllocs()
	for b.Loop() {
		f.memory.Poll(p)
	}
}
