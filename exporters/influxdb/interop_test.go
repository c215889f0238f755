//go:build interop

package influxdb_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"walkabout/counter"
	"walkabout/exporters"
	"walkabout/exporters/influxdb"
	"walkabout/internal/interop"
	"walkabout/internal/secret"
	"walkabout/metric"
)

// Tests against a real InfluxDB 1.8.

func newDatabase(t *testing.T, settings ...string) *interop.InfluxDB {
	d := interop.StartInfluxDB(t, settings...)
	d.Query("", "CREATE DATABASE snmp")
	return d
}

func mustExport(t *testing.T, e *influxdb.Exporter, batch []metric.Sample) {
	t.Helper()
	if err := e.Export(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

// nastyTexts is every octet alone and between letters, every text of up to four of the octets that mean something, and
// random ones.
func nastyTexts() (texts []string) {
	for c := range 256 {
		texts = append(texts, string([]byte{byte(c)}), string([]byte{'a', byte(c), 'b'}))
	}
	const meaning = "\\ ,=\"n"
	level := []string{""}
	for range 4 {
		var longer []string
		for _, s := range level {
			for _, c := range meaning {
				longer = append(longer, s+string(c))
			}
		}
		texts = append(texts, longer...)
		level = longer
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	alphabet := []string{"\\", "\\", " ", " ", ",", "=", "=", "\"", "\"", "\n", "\r", "\t", "\x00", "\x7f", "\xff", "#", "n", "é", "\xe6\x9d", "\uFFFD", "1", "time"}
	for range 2000 {
		var b strings.Builder
		for range 1 + rnd.IntN(12) {
			b.WriteString(alphabet[rnd.IntN(len(alphabet))])
		}
		texts = append(texts, b.String())
	}
	return texts
}

// asTag says what of text a tag can hold.
func asTag(text string) string {
	runes := []rune(text)
	for i, r := range runes {
		if r < ' ' || r == 0x7f || r == '\\' && (i+1 == len(runes) || runes[i+1] == ' ') {
			runes[i] = utf8.RuneError
		}
	}
	return string(runes)
}

// TestEveryOctet puts each nasty text in a string and in a tag, all in one batch, and wants to read back just those.
func TestEveryOctet(t *testing.T) {
	d := newDatabase(t, "INFLUXDB_DATA_MAX_VALUES_PER_TAG=0")
	e := newExporter(t, influxdb.Config{URL: d.URL})
	type row struct{ Tag, A, B string }
	var batch []metric.Sample
	want := map[string]row{}
	for i, text := range nastyTexts() {
		at := time.Unix(1700000000, int64(i))
		batch = append(batch, metric.Sample{
			Measurement: "interface",
			Tags:        []metric.Tag{{Name: "device", Value: text}, {Name: "ifName", Value: text}},
			Fields:      []metric.Field{{Name: "a", Kind: metric.String, Str: text}, {Name: "b", Kind: metric.String, Str: text}},
			At:          at,
		})
		read := string([]rune(text))
		want[fmt.Sprint(at.UnixNano())] = row{asTag(text), read, read}
	}
	mustExport(t, e, batch)
	got := map[string]row{}
	for _, s := range d.Query("snmp", "SELECT a, b FROM interface GROUP BY *") {
		if s.Tags["device"] != s.Tags["ifName"] {
			t.Errorf("tags %q", s.Tags)
		}
		for _, v := range s.Values {
			got[v[0].(json.Number).String()] = row{s.Tags["device"], v[1].(string), v[2].(string)}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

// TestEveryName does the same with measurements and with the names of tags and fields.
func TestEveryName(t *testing.T) {
	d := newDatabase(t)
	e := newExporter(t, influxdb.Config{URL: d.URL})
	names := []string{"plain", "#", "#x", "time", "_field", "_measurement", `a\`, `a\\`, `a\,b`, `a\=b`, `a\ b`, `a\"b`, `a\b`, "ü", "\xff"}
	for _, c := range "\\ ,=\"'\n\t\x00" {
		names = append(names, string(c), string(c)+"x", "x"+string(c), "x"+string(c)+"y", string(c)+string(c))
	}
	type row struct{ Measurement, Tag, Field string }
	want, got := map[string]row{}, map[string]row{}
	var batch []metric.Sample
	for i, name := range names {
		number := fmt.Sprint(i)
		batch = append(batch, metric.Sample{
			Measurement: name,
			Tags:        []metric.Tag{{Name: name, Value: "v"}, {Name: "~number", Value: number}},
			Fields:      []metric.Field{{Name: name, Kind: metric.Integer, Num: 1}, {Name: "~text", Kind: metric.String, Str: "\" ,=\n"}},
			At:          time.Unix(1700000000, int64(i)),
		})
		noBackslash := strings.ReplaceAll(asTag(name), `\`, "\uFFFD")
		r := row{noBackslash, asTag(name), noBackslash}
		switch name {
		case "time":
			r.Tag, r.Field = "time_", "time_"
		case "_field", "_measurement":
			r.Tag += "_"
		}
		if r.Measurement[0] == '#' {
			r.Measurement = "\uFFFD" + r.Measurement[1:]
		}
		want[number] = r
	}
	mustExport(t, e, batch)
	for _, s := range d.Query("snmp", "SELECT * FROM /.*/ GROUP BY *") {
		r := row{Measurement: s.Name}
		for name, value := range s.Tags {
			if value == "v" {
				r.Tag = name
			}
		}
		for i, value := range s.Values[0] {
			if value == json.Number("1") {
				r.Field = s.Columns[i]
			}
		}
		got[s.Tags["~number"]] = r
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestTypes(t *testing.T) {
	d := newDatabase(t)
	at := time.Unix(1700000000, 5)
	sample := metric.Sample{
		Tags: []metric.Tag{{Name: "ifName", Value: "eth0"}},
		Fields: []metric.Field{
			{Name: "integer", Kind: metric.Integer, Num: 1 << 63},
			{Name: "gauge", Kind: metric.Unsigned, Num: math.MaxUint32},
			{Name: "c32", Kind: metric.Counter32, Num: math.MaxUint32, Rate: 0.1, Verdict: counter.Wrapped},
			{Name: "c64", Kind: metric.Counter64, Num: math.MaxInt64, Rate: 1e300, Verdict: counter.OK},
			{Name: "huge", Kind: metric.Counter64, Num: math.MaxUint64, Rate: 123456.789, Verdict: counter.OK},
			{Name: "reset", Kind: metric.Counter64, Num: 7, Verdict: counter.Reset},
			{Name: "float", Kind: metric.Float, Num: math.Float64bits(-math.SmallestNonzeroFloat64)},
			{Name: "nan", Kind: metric.Float, Num: math.Float64bits(math.NaN())},
			{Name: "bool", Kind: metric.Boolean, Num: 1},
		},
		At: at,
	}
	tests := []struct {
		measurement string
		unsigned    bool
		values      map[string]any
		types       map[string]string
	}{
		{
			"signed", false,
			map[string]any{
				"integer": "-9223372036854775808", "gauge": "4294967295", "c32": "4294967295", "c32_rate": "0.1", "c64": "9223372036854775807", "c64_rate": "1e+300",
				"huge_rate": "123456.789", "reset": "7", "reset_verdict": "reset", "float": "-5e-324", "bool": "true",
			},
			map[string]string{
				"integer": "integer", "gauge": "integer", "c32": "integer", "c32_rate": "float", "c64": "integer", "c64_rate": "float", "huge_rate": "float",
				"reset": "integer", "reset_verdict": "string", "float": "float", "bool": "boolean",
			},
		},
		{
			"unsigned", true,
			map[string]any{
				"integer": "-9223372036854775808", "gauge": "4294967295", "c32": "4294967295", "c32_rate": "0.1", "c64": "9223372036854775807", "c64_rate": "1e+300",
				"huge": "18446744073709551615", "huge_rate": "123456.789", "reset": "7", "reset_verdict": "reset", "float": "-5e-324", "bool": "true",
			},
			map[string]string{
				"integer": "integer", "gauge": "unsigned", "c32": "unsigned", "c32_rate": "float", "c64": "unsigned", "c64_rate": "float", "huge": "unsigned", "huge_rate": "float",
				"reset": "unsigned", "reset_verdict": "string", "float": "float", "bool": "boolean",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.measurement, func(t *testing.T) {
			sample.Measurement = tt.measurement
			e := newExporter(t, influxdb.Config{URL: d.URL, Unsigned: tt.unsigned})
			mustExport(t, e, []metric.Sample{sample})
			series := d.Query("snmp", "SELECT * FROM "+tt.measurement+" GROUP BY *")
			if len(series) != 1 || len(series[0].Values) != 1 {
				t.Fatalf("%v, want one point", series)
			}
			got := map[string]any{}
			for i, column := range series[0].Columns {
				got[column] = fmt.Sprint(series[0].Values[0][i])
			}
			if got["time"] != fmt.Sprint(at.UnixNano()) {
				t.Errorf("time %v, want %d", got["time"], at.UnixNano())
			}
			delete(got, "time")
			if diff := cmp.Diff(tt.values, got); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
			types := map[string]string{}
			for _, v := range d.Query("snmp", "SHOW FIELD KEYS FROM "+tt.measurement)[0].Values {
				types[v[0].(string)] = v[1].(string)
			}
			if diff := cmp.Diff(tt.types, types); diff != "" {
				t.Errorf("types (-want +got):\n%s", diff)
			}
		})
	}
}

// TestMissing does what the errors tell it to do, until it works.
func TestMissing(t *testing.T) {
	d := interop.StartInfluxDB(t)
	e := newExporter(t, influxdb.Config{URL: d.URL, Bucket: "snmp/two weeks"})
	statement := regexp.MustCompile(`influx -port \d+ -execute '([^']+)'$`)
	for _, want := range []string{`CREATE DATABASE snmp`, `CREATE RETENTION POLICY "two weeks" ON snmp DURATION 0s REPLICATION 1`} {
		err := e.Export(t.Context(), samples(1))
		var conf *exporters.ConfigError
		if !errors.As(err, &conf) {
			t.Fatalf("%v, want a ConfigError", err)
		}
		m := statement.FindStringSubmatch(err.Error())
		if m == nil || m[1] != want {
			t.Fatalf("%v, want it to end with %s", err, want)
		}
		d.Query("", m[1])
	}
	mustExport(t, e, samples(1))
}

func TestAuthentication(t *testing.T) {
	d := interop.StartInfluxDB(t, "INFLUXDB_HTTP_AUTH_ENABLED=true")
	d.Query("", "CREATE USER admin WITH PASSWORD 'root-of-all' WITH ALL PRIVILEGES")
	d.Token = "admin:root-of-all"
	d.Query("", "CREATE DATABASE snmp")
	d.Query("", "CREATE USER bob WITH PASSWORD 'hunter2:x'")
	export := func(token string) error {
		return newExporter(t, influxdb.Config{URL: d.URL, Token: secret.New(token)}).Export(t.Context(), samples(3))
	}
	for _, token := range []string{"", "bob", "bob:", "bob:wrong-hunter", "nobody:wrong-hunter", "bob:hunter2:x"} { // the last may not write yet
		err := export(token)
		var conf *exporters.ConfigError
		if !errors.As(err, &conf) || !strings.Contains(err.Error(), "refuses the token") || strings.Contains(err.Error(), "hunter") {
			t.Errorf("token %q: %v, want a ConfigError that does not show it", token, err)
		}
	}
	d.Query("", "GRANT WRITE ON snmp TO bob")
	if err := export("bob:hunter2:x"); err != nil {
		t.Errorf("may write: %v", err)
	}
	if n := count(d, "m"); n != 3 {
		t.Errorf("%d points, want 3", n)
	}
}

func count(d *interop.InfluxDB, measurement string) (points int) {
	for _, s := range d.Query("snmp", "SELECT * FROM "+measurement) {
		points += len(s.Values)
	}
	return points
}

func TestFieldTypeConflict(t *testing.T) {
	d := newDatabase(t)
	e := newExporter(t, influxdb.Config{URL: d.URL})
	mustExport(t, e, samples(1))
	batch := samples(1000)
	bad := []int{0, 1, 500, 998}
	for _, i := range bad {
		batch[i].Fields[0].Kind = metric.String
	}
	batch[0].At = time.Unix(9, 9)
	err := e.Export(t.Context(), batch)
	var partial *exporters.PartialError
	if !errors.As(err, &partial) {
		t.Fatalf("%v, want a PartialError", err)
	}
	if diff := cmp.Diff(bad, partial.Rejected); diff != "" {
		t.Errorf("rejected (-want +got):\n%s", diff)
	}
	if want := `partial write: field type conflict: input field "f" on measurement "m" is type string, already exists as type integer dropped=1`; !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want the server's words: %s", err, want)
	}
	if n := count(d, "m"); n != 997 { // 996, and the one from before
		t.Errorf("%d points, want 997", n)
	}
}

// TestGarbledAnswer has 1.8 repeat a control octet in a header of its answer, which no HTTP client reads.
func TestGarbledAnswer(t *testing.T) {
	d := newDatabase(t)
	batch := samples(10)
	batch[3].Fields = []metric.Field{{Name: "s", Kind: metric.String, Str: "\x01"}, {Name: strings.Repeat("x", 1<<16), Kind: metric.Integer}}
	var partial *exporters.PartialError
	if err := newExporter(t, influxdb.Config{URL: d.URL}).Export(t.Context(), batch); !errors.As(err, &partial) || !strings.Contains(err.Error(), "not HTTP") {
		t.Fatalf("%v, want a PartialError about an answer that is not HTTP", err)
	}
	if diff := cmp.Diff([]int{3}, partial.Rejected); diff != "" {
		t.Errorf("rejected (-want +got):\n%s", diff)
	}
	if n := count(d, "m"); n != 9 {
		t.Errorf("%d points, want 9", n)
	}
}

func TestOlderThanTheRetentionPolicy(t *testing.T) {
	d := interop.StartInfluxDB(t)
	d.Query("", "CREATE DATABASE snmp WITH DURATION 1h")
	batch := samples(10)
	for i := 5; i < 10; i++ {
		batch[i].At = time.Now()
		batch[i].Tags = []metric.Tag{{Name: "i", Value: fmt.Sprint(i)}}
	}
	var partial *exporters.PartialError
	if err := newExporter(t, influxdb.Config{URL: d.URL}).Export(t.Context(), batch); !errors.As(err, &partial) || !strings.Contains(err.Error(), "points beyond retention policy") {
		t.Fatalf("%v, want a PartialError", err)
	}
	if diff := cmp.Diff([]int{0, 1, 2, 3, 4}, partial.Rejected); diff != "" {
		t.Errorf("rejected (-want +got):\n%s", diff)
	}
	if n := count(d, "m"); n != 5 {
		t.Errorf("%d points, want 5", n)
	}
}

// reporter passes on what each Export returned.
type reporter struct {
	exporters.Exporter
	results chan error
}

func (r reporter) Export(ctx context.Context, batch []metric.Sample) error {
	err := r.Exporter.Export(ctx, batch)
	select {
	case r.results <- err:
	default:
	}
	return err
}

// TestOutages stops and starts the server while samples go on coming, and wants all of them there in the end.
func TestOutages(t *testing.T) {
	d := newDatabase(t)
	e, err := influxdb.New(influxdb.Config{URL: d.URL, Bucket: "snmp"})
	if err != nil {
		t.Fatal(err)
	}
	results := make(chan error)
	queue, source := newSpool(t)
	r := exporters.Start(reporter{e, results}, source, exporters.Config{
		Name: "influxdb", BatchLimit: 50, FlushInterval: time.Millisecond, MinBackoff: time.Millisecond, MaxBackoff: 50 * time.Millisecond,
		Logger: slog.New(slog.DiscardHandler),
	})
	const rounds, each = 3, 400
	all := samples(rounds * 2 * each)
	await := func(want bool) {
		t.Helper()
		for {
			select {
			case err := <-results:
				if (err == nil) == want {
					return
				}
			case <-time.After(time.Minute):
				t.Fatalf("no Export of success %v in a minute", want)
			}
		}
	}
	add := func(batch []metric.Sample) {
		t.Helper()
		if err := queue.Append(t.Context(), metric.Append(nil, metric.Batch{At: batch[0].At, Samples: batch})); err != nil {
			t.Fatal(err)
		}
	}
	for range rounds {
		add(all[:each])
		all = all[each:]
		await(true)
		d.Stop() // perhaps in the middle of a batch
		for range each / 10 {
			add(all[:10])
			all = all[10:]
		}
		await(false)
		d.Start()
		await(true)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := errors.Join(r.Close(ctx), queue.Close()); err != nil {
		t.Error(err)
	}
	if s := r.Stats(); s.Written != rounds*2*each || s.Rejected != 0 || s.Retries == 0 || s.Errors["unreachable"] == 0 {
		t.Errorf("%+v, want all %d written after some retries", s, rounds*2*each)
	}
	if n := count(d, "m"); n != rounds*2*each {
		t.Errorf("%d points in the database, want %d", n, rounds*2*each)
	}
}
