package promapi_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"walkabout/counter"
	"walkabout/metric"
	"walkabout/store"
	"walkabout/store/promapi"
)

var silent = slog.New(slog.DiscardHandler)

func open(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(store.Options{Dir: t.TempDir(), Logger: silent})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// begin is that of the samples: some time ago, at a whole minute.
func begin() time.Time { return time.Now().Add(-50 * time.Minute).Truncate(time.Minute).UTC() }

// polls are 40 polls of two devices with three ports each, half a minute apart: with a reset, a hole, and values that are hard to write.
func polls(begin time.Time) [][]metric.Sample {
	var out [][]metric.Sample
	for i := range 40 {
		at := begin.Add(time.Duration(i)*30*time.Second + 17*time.Millisecond)
		var batch []metric.Sample
		for d := range 2 {
			for p := range 3 {
				if p == 2 && i >= 20 && i < 34 {
					continue
				}
				n := uint64(i+1) * uint64(1000*(d+1)+p*13)
				if p == 1 && i >= 25 {
					n = uint64(i) * 7
				}
				batch = append(batch, metric.Sample{Measurement: "interface", At: at,
					Tags: []metric.Tag{{Name: "agent_host", Value: fmt.Sprint("192.0.2.", d)}, {Name: "device", Value: fmt.Sprint("core", d)}, {Name: "ifName", Value: fmt.Sprint("ge-0/0/", p)}},
					Fields: []metric.Field{
						{Name: "ifHCInOctets", Kind: metric.Counter64, Num: n, Rate: float64(n) / 30, Verdict: counter.OK},
						{Name: "ifOperStatus", Kind: metric.Integer, Num: uint64(1 + (i/10+p)%2)},
						{Name: "tiny", Kind: metric.Float, Num: math.Float64bits(1.25e-9 * float64(i))},
						{Name: "huge", Kind: metric.Float, Num: math.Float64bits(3e21 * float64(p))},
						{Name: "ifAlias", Kind: metric.String, Str: "to \"Ω\" \\ <b>"},
					}})
			}
		}
		out = append(out, batch)
	}
	return out
}

func filled(t testing.TB, begin time.Time) *store.Store {
	t.Helper()
	s := open(t)
	e := s.Exporter()
	for _, batch := range polls(begin) {
		if err := e.Export(context.Background(), batch); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func serve(t testing.TB, o promapi.Options) string {
	t.Helper()
	o.Logger = silent
	server := httptest.NewServer(promapi.New(o))
	t.Cleanup(server.Close)
	return server.URL
}

// ask returns the status and the body that a request is answered.
func ask(t testing.TB, method, base, path string, form url.Values) (int, string) {
	t.Helper()
	var body io.Reader
	target := base + "/api/v1" + path
	if method == http.MethodPost {
		body = strings.NewReader(form.Encode())
	} else if len(form) > 0 {
		target += "?" + form.Encode()
	}
	q, err := http.NewRequestWithContext(t.Context(), method, target, body)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// TestErrors: what cannot be answered has Prometheus' statuses and words.
func TestErrors(t *testing.T) {
	base := serve(t, promapi.Options{Store: filled(t, begin()), MaxSamples: 20})
	for _, test := range []struct {
		path   string
		form   url.Values
		status int
		want   string
	}{
		{"/query", url.Values{"query": {"sum("}}, 400, `{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:5: parse error: unclosed left parenthesis"}`},
		{"/query", url.Values{}, 400, `{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": unknown position: parse error: no expression found in input"}`},
		{"/query", url.Values{"query": {"1"}, "time": {"x"}}, 400, `{"status":"error","errorType":"bad_data","error":"invalid parameter \"time\": invalid time value for 'time': cannot parse \"x\" to a valid timestamp"}`},
		{"/query", url.Values{"query": {"1"}, "timeout": {"0.0000001"}}, 503, `{"status":"error","errorType":"timeout",`},
		{"/query", url.Values{"query": {strings.Repeat("(", 6000) + "1" + strings.Repeat(")", 6000)}}, 400,
			`{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": more than 10000 characters outside of quotes"}`},
		{"/query", url.Values{"query": {"# \"\n" + strings.Repeat("-", 10_000) + "1"}}, 400,
			`{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": more than 10000 characters outside of quotes"}`},
		{"/query_range", url.Values{"query": {`vector(1) # ` + "`\"'"}, "start": {"1"}, "end": {"1"}, "step": {"1"}}, 200, `{"status":"success",`},
		{"/query", url.Values{"query": {`{a="` + strings.Repeat(`x\"|`, 10_000) + "\",b=`\\`,c!='\\''}"}}, 200, `{"status":"success","data":{"resultType":"vector","result":[]}}`},
		{"/query", url.Values{"query": {"ifHCInOctets[1h]"}}, 422, `{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory in query execution"}`},
		{"/query_range", url.Values{"query": {"1"}, "start": {"2"}, "end": {"1"}, "step": {"1"}}, 400, `{"status":"error","errorType":"bad_data","error":"invalid parameter \"end\": end timestamp must not be before start time"}`},
		{"/query_range", url.Values{"query": {"1"}, "start": {"1"}, "end": {"20000"}, "step": {"1"}}, 400,
			`{"status":"error","errorType":"bad_data","error":"exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"}`},
		{"/series", url.Values{}, 400, `{"status":"error","errorType":"bad_data","error":"no match[] parameter provided"}`},
		{"/series", url.Values{"match[]": {`{a=""}`}}, 400, `{"status":"error","errorType":"bad_data","error":"invalid parameter \"match[]\": match[] must contain at least one non-empty matcher"}`},
		{"/labels", url.Values{"limit": {"-1"}}, 400, `{"status":"error","errorType":"bad_data","error":"invalid parameter \"limit\": limit must be non-negative"}`},
		{"/format_query", url.Values{"query": {"sum(a  )by(b)"}}, 200, `{"status":"success","data":"sum by (b) (a)"}`},
		{"/format_query", url.Values{"query": {"sum("}}, 400, `{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:5: parse error: unclosed left parenthesis"}`},
		{"/rules", url.Values{"type": {"x"}}, 400, `{"status":"error","errorType":"bad_data","error":"invalid parameter \"type\": not supported value \"x\""}`},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if method == http.MethodPost && test.path == "/rules" {
				continue
			}
			status, body := ask(t, method, base, test.path, test.form)
			if status != test.status || !strings.HasPrefix(body, test.want) {
				t.Errorf("%s %s?%s: %d\n%s\nwant %d\n%s", method, test.path, test.form.Encode(), status, body, test.status, test.want)
			}
		}
	}
	if status, _ := ask(t, http.MethodPost, base, "/status/buildinfo", nil); status != http.StatusMethodNotAllowed {
		t.Errorf("POST of what takes no form: %d", status)
	}
}

// TestUnavailable: while the database is opened, or closed, that is no mistake of the query's.
func TestUnavailable(t *testing.T) {
	s, err := store.Open(store.Options{Dir: t.TempDir(), Logger: silent})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	base := serve(t, promapi.Options{Store: s})
	for _, path := range []string{"/query?query=up", "/query_range?query=up&start=1&end=2&step=1", "/labels", "/series?match[]=up", "/label/job/values"} {
		if status, body := ask(t, http.MethodGet, base, path, nil); status != http.StatusServiceUnavailable || !strings.HasPrefix(body, `{"status":"error","errorType":"unavailable",`) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

// TestLimits: long lists are cut, and that is said.
func TestLimits(t *testing.T) {
	base := serve(t, promapi.Options{Store: filled(t, begin()), MaxSeries: 2})
	for path, want := range map[string]string{
		"/labels": `{"status":"success","data":["__name__","device"],"warnings":["results truncated due to limit"]}`,
		"/series?match[]=ifOperStatus": `{"status":"success","data":[{"__name__":"ifOperStatus","device":"core0","ifAlias":"to \"Ω\" \\ \u003cb\u003e","ifName":"ge-0/0/0","instance":"192.0.2.0"},` +
			`{"__name__":"ifOperStatus","device":"core0","ifAlias":"to \"Ω\" \\ \u003cb\u003e","ifName":"ge-0/0/1","instance":"192.0.2.0"}],"warnings":["results truncated due to limit"]}`,
		"/label/ifName/values?limit=1": `{"status":"success","data":["ge-0/0/0"],"warnings":["results truncated due to limit"]}`,
	} {
		if status, body := ask(t, http.MethodGet, base, path, nil); status != http.StatusOK || body != want {
			t.Errorf("%s: %d\n%s\nwant\n%s", path, status, body, want)
		}
	}
}

// blocked is a store whose queries wait until they are let go.
type blocked struct {
	storage.Queryable
	entered, release chan struct{}
}

func (b blocked) Querier(from, to int64) (storage.Querier, error) {
	q, err := b.Queryable.Querier(from, to)
	return blockedQuerier{q, b}, err
}

type blockedQuerier struct {
	storage.Querier
	b blocked
}

func (q blockedQuerier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, m ...*labels.Matcher) storage.SeriesSet {
	q.b.entered <- struct{}{}
	<-q.b.release
	return q.Querier.Select(ctx, sorted, hints, m...)
}

// TestConcurrency: one more query than may run at a time waits, and gives up when its time is over.
func TestConcurrency(t *testing.T) {
	b := blocked{filled(t, begin()), make(chan struct{}), make(chan struct{})}
	base := serve(t, promapi.Options{Store: b, Concurrency: 1})
	done := make(chan int, 1)
	go func() {
		resp, err := http.Get(base + "/api/v1/query?query=ifOperStatus")
		if err != nil {
			done <- 0
			return
		}
		defer resp.Body.Close()
		done <- resp.StatusCode
	}()
	<-b.entered
	if status, body := ask(t, http.MethodGet, base, "/query", url.Values{"query": {"ifOperStatus"}, "timeout": {"10ms"}}); status != http.StatusServiceUnavailable {
		t.Errorf("the second: %d %s", status, body)
	}
	close(b.release)
	if status := <-done; status != http.StatusOK {
		t.Errorf("the first: %d", status)
	}
}

// TestBuildInfo: the version is that of the library, by which Grafana knows what it may ask.
func TestBuildInfo(t *testing.T) {
	module, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(module), "github.com/prometheus/prometheus v0.")
	if !found || len(rest) < 5 {
		t.Fatal("go.mod does not name prometheus")
	}
	version, _, _ := strings.Cut(rest, "\n")
	want := "3." + strings.TrimLeft(version[1:], "0") // v0.315.0 is 3.15.0
	if _, body := ask(t, http.MethodGet, serve(t, promapi.Options{Store: open(t)}), "/status/buildinfo", nil); !strings.Contains(body, `"version":"`+want+`"`) {
		t.Errorf("%s, want version %s", body, want)
	}
}

// TestMetadata: types and helps of what was written.
func TestMetadata(t *testing.T) {
	s := filled(t, begin())
	base := serve(t, promapi.Options{Store: s, Metadata: s.Metadata})
	_, body := ask(t, http.MethodGet, base, "/metadata?metric=ifHCInOctets", nil)
	if diff := cmp.Diff(`{"status":"success","data":{"ifHCInOctets":[{"type":"counter","help":"","unit":""}]}}`, body); diff != "" {
		t.Error(diff)
	}
}
