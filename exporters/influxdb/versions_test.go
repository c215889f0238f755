package influxdb_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/exporters"
	"walkabout/exporters/influxdb"
	"walkabout/internal/secret"
	"walkabout/metric"
)

// Fakes of InfluxDB 2 and 3 that answer as those document it (docs.influxdata.com: "Troubleshoot issues writing data" of each, and of 3 the page of
// write_lp, whose answers /api/v2/write gives too). Both take a field's type from its first point, write the good points of a request and refuse the
// others.

// fake is what both have in common.
type fake struct {
	token string
	limit int               // octets of a request
	types map[string]string // by field
	held  map[string]bool   // points
}

func newFake() *fake {
	return &fake{token: "tok", limit: 4000, types: map[string]string{"f": "integer"}, held: map[string]bool{}}
}

// kind says what type the value of a line's only field has.
func kind(value string) string {
	switch {
	case strings.HasPrefix(value, `"`):
		return "string"
	case strings.HasSuffix(value, "i"):
		return "integer"
	default:
		return "float"
	}
}

// conflict is a line that does not fit.
type conflict struct {
	number           int // counts from 1
	line, field, got string
}

// write writes what fits.
func (f *fake) write(lines []string) (refused []conflict) {
	for i, line := range lines {
		field, value, _ := strings.Cut(strings.Fields(line)[1], "=")
		got := kind(value)
		if known, ok := f.types[field]; ok && known != got {
			refused = append(refused, conflict{i + 1, line, field, got})
			continue
		}
		f.types[field] = got
		f.held[line] = true
	}
	return refused
}

func (f *fake) octets(lines []string) int { return len(strings.Join(lines, "\n")) }

func reply(w http.ResponseWriter, status int, body any) bool {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
	return true
}

// v2 answers as InfluxDB 2.7 does.
func (f *fake) v2(w http.ResponseWriter, r *http.Request, lines []string) bool {
	w.Header().Set("X-Influxdb-Build", "OSS")
	w.Header().Set("X-Influxdb-Version", "v2.7.1")
	say := func(status int, code, message string) bool {
		return reply(w, status, map[string]string{"code": code, "message": message})
	}
	switch q := r.URL.Query(); {
	case r.Header.Get("Authorization") != "Token "+f.token:
		return say(401, "unauthorized", "unauthorized access")
	case q.Get("org") != "noc":
		return say(404, "not found", fmt.Sprintf("organization name %q not found", q.Get("org")))
	case q.Get("bucket") != "snmp":
		return say(404, "not found", fmt.Sprintf("bucket %q not found", q.Get("bucket")))
	case f.octets(lines) > f.limit:
		return say(413, "request too large", "unable to read data: points batch is too large")
	}
	if refused := f.write(lines); len(refused) > 0 {
		first := refused[0]
		return say(422, "unprocessable entity", fmt.Sprintf("failure writing points to database: partial write: field type conflict: input field %q on measurement \"m\" is type %s, already exists as type %s dropped=%d",
			first.field, first.got, f.types[first.field], len(refused)))
	}
	return false
}

// v3 answers as InfluxDB 3 Core does; it knows no organizations.
func (f *fake) v3(w http.ResponseWriter, r *http.Request, lines []string) bool {
	switch {
	case r.Header.Get("Authorization") != "Token "+f.token:
		return reply(w, 401, map[string]string{"error": "the request was not authenticated"})
	case r.URL.Query().Get("bucket") != "snmp":
		return reply(w, 404, map[string]any{"error": "the requested resource was not found", "data": nil})
	case f.octets(lines) > f.limit:
		return reply(w, 413, map[string]string{"error": "request body too large"})
	}
	refused := f.write(lines)
	if len(refused) == 0 {
		return false
	}
	var data []map[string]any
	for _, c := range refused[:min(len(refused), 100)] {
		data = append(data, map[string]any{"original_line": c.line, "line_number": c.number, "error_message": fmt.Sprintf(
			"invalid column type for column '%s', expected iox::column_type::field::%s, got iox::column_type::field::%s", c.field, f.types[c.field], c.got)})
	}
	return reply(w, 400, map[string]any{"error": "partial write of line protocol occurred", "data": data})
}

// versions runs a test with both.
func versions(t *testing.T, run func(t *testing.T, f *fake, s *server, config influxdb.Config)) {
	for name, judge := range map[string]func(*fake, http.ResponseWriter, *http.Request, []string) bool{"2": (*fake).v2, "3": (*fake).v3} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			s := newServer(t, func(w http.ResponseWriter, r *http.Request, lines []string) bool { return judge(f, w, r, lines) })
			run(t, f, s, influxdb.Config{URL: s.URL, Org: "noc", Bucket: "snmp", Token: secret.New("tok")})
		})
	}
}

// TestPartialWrites: every good point is written, the others are found, and the server's own words are told.
func TestPartialWrites(t *testing.T) {
	versions(t, func(t *testing.T, f *fake, s *server, config influxdb.Config) {
		f.limit = 1 << 20
		e := newExporter(t, config)
		batch := samples(1000)
		bad := []int{0, 1, 617, 998}
		for _, i := range bad {
			batch[i].Fields[0].Kind, batch[i].Fields[0].Str = metric.String, "x "+strconv.Itoa(i)
		}
		var partial *exporters.PartialError
		err := e.Export(t.Context(), batch)
		if !errors.As(err, &partial) {
			t.Fatalf("%v, want a PartialError", err)
		}
		if diff := cmp.Diff(bad, partial.Rejected); diff != "" {
			t.Errorf("rejected (-want +got):\n%s", diff)
		}
		if len(f.held) != 996 {
			t.Errorf("%d points are held, want 996", len(f.held))
		}
		words := map[string]string{
			"2": `422 Unprocessable Entity: failure writing points to database: partial write: field type conflict: input field "f" on measurement "m" is type string, already exists as type integer dropped=`,
			"3": `400 Bad Request: partial write of line protocol occurred: line 1: invalid column type for column 'f', expected iox::column_type::field::integer, got iox::column_type::field::string`,
		}
		if want := words[t.Name()[len(t.Name())-1:]]; !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %s in it", err, want)
		}
		if len(s.requests) > 60 {
			t.Errorf("%d requests to find 4 of 1,000", len(s.requests))
		}
	})
}

func TestTooLargeForVersions(t *testing.T) {
	versions(t, func(t *testing.T, f *fake, _ *server, config influxdb.Config) {
		if err := newExporter(t, config).Export(t.Context(), samples(1000)); err != nil || len(f.held) != 1000 {
			t.Errorf("%v, and %d points are held", err, len(f.held))
		}
	})
}

func TestRefusalsOfVersions(t *testing.T) {
	words := map[string]map[string]string{
		"2": {"token": "unauthorized access", "bucket": "influx bucket create -n other -o noc"},
		"3": {"token": "the request was not authenticated", "bucket": "the requested resource was not found"},
	}
	versions(t, func(t *testing.T, f *fake, _ *server, config influxdb.Config) {
		want := words[t.Name()[len(t.Name())-1:]]
		wrong := map[string]influxdb.Config{}
		c := config
		c.Token = secret.New("hunter2")
		wrong["token"] = c
		c = config
		c.Bucket = "other"
		wrong["bucket"] = c
		for name, c := range wrong {
			var conf *exporters.ConfigError
			if err := newExporter(t, c).Export(t.Context(), samples(3)); !errors.As(err, &conf) || !strings.Contains(err.Error(), want[name]) {
				t.Errorf("wrong %s: %v, want a ConfigError with %q", name, err, want[name])
			}
		}
		if len(f.held) != 0 {
			t.Errorf("%d points are held", len(f.held))
		}
	})
}
