package config

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"walkabout/exporters"
	"walkabout/exporters/file"
	"walkabout/exporters/influxdb"
	"walkabout/exporters/kafka"
	"walkabout/exporters/lines"
	"walkabout/exporters/nats"
	"walkabout/exporters/otlp"
	"walkabout/exporters/prometheus"
	"walkabout/internal/clienttls"
	"walkabout/internal/secret"
	"walkabout/spool"
)

// Output is an exporter and its place in the spool. One of the exporters' configurations is not nil.
type Output struct {
	Order    spool.Order
	Bounds   spool.Bounds
	Queue    exporters.Config
	InfluxDB *influxdb.Config
	File     *file.Config // without Stdout

	Prometheus *prometheus.Config
	OTLP       *otlp.Config
	Kafka      *kafka.Config
	NATS       *nats.Config

	where string // what the output is, for people
}

// output is one of its kinds, each called by its key; the others are nil.
type output struct {
	InfluxDB *influxOutput `yaml:"influxdb"`
	File     *fileOutput   `yaml:"file"`

	Prometheus *prometheusOutput `yaml:"prometheus"`
	OTLP       *otlpOutput       `yaml:"otlp"`
	Kafka      *kafkaOutput      `yaml:"kafka"`
	NATS       *natsOutput       `yaml:"nats"`
}

// kind is the keys of an output of one kind.
type kind interface {
	common() *queue
	// read puts what the keys, which are written below at, say into o; false after a mistake, which it has told.
	read(r *reader, o *Output, at ...any) bool
}

// chosen returns the fields of o, a struct of pointers of which one is meant to be set, that are set, and their keys.
func chosen[K any](o any) (kinds []K, keys []string) {
	v := reflect.ValueOf(o)
	for i := range v.NumField() {
		if f := v.Field(i); !f.IsNil() {
			kinds, keys = append(kinds, f.Interface().(K)), append(keys, v.Type().Field(i).Tag.Get("yaml"))
		}
	}
	return kinds, keys
}

// known says which keys o, such a struct, has.
func known(o any) string {
	t := reflect.TypeOf(o)
	var keys []string
	for i := range t.NumField() {
		keys = append(keys, t.Field(i).Tag.Get("yaml")+": {…}")
	}
	last := len(keys) - 1
	return strings.Join(keys[:last], ", ") + " or " + keys[last]
}

// reservedNames begin the names of what reads the spool beside outputs.
const reservedNames = "alerts:"

func (r *reader) outputs(list []output) []Output {
	var out []Output
	names := map[string]bool{}
	files := map[string]int{} // lines by path
	for i, o := range list {
		kinds, keys := chosen[kind](o)
		switch {
		case len(kinds) > 1:
			r.fail(errors.New("one entry is one output: begin each with its own dash"), "outputs", i)
			continue
		case len(kinds) == 0:
			r.fail(fmt.Errorf("an output is %s", known(o)), "outputs", i)
			continue
		}
		made := Output{Order: spool.NewestFirst}
		ok := kinds[0].read(r, &made, "outputs", i, keys[0])
		r.queue(&made, *kinds[0].common(), "outputs", i, keys[0])
		if !ok {
			continue
		}
		if strings.HasPrefix(made.Queue.Name, reservedNames) {
			r.fail(fmt.Errorf("name %q: what begins with %s stands for the alert rules in the spool; give another one", made.Queue.Name, reservedNames), "outputs", i, keys[0], "name")
		}
		if f := made.File; f != nil && f.Path != "-" {
			if other, ok := files[filepath.Clean(f.Path)]; ok {
				r.fail(fmt.Errorf("path: the output in line %d writes %s already; give each a file of its own", other, f.Path), "outputs", i, keys[0], "path")
			}
			files[filepath.Clean(f.Path)] = r.doc.Line("outputs", i)
		}
		made.Queue.Name = r.name(made.Queue.Name, keys[0], names, "outputs", i)
		out = append(out, made)
	}
	return out
}

// queue is what all outputs have: what they are given, how they are written to, and their place in the spool.
type queue struct {
	Name          string `yaml:"name"`
	BatchLimit    *int   `yaml:"batch_limit"`
	FlushInterval period `yaml:"flush_interval"`
	SpoolSize     size   `yaml:"spool_size"`
	SpoolAge      period `yaml:"spool_age"`
	Backfill      string `yaml:"backfill"`
	filterKeys    `yaml:",inline"`
}

func (q *queue) common() *queue { return q }

// What may wait in the spool for an output, unless its entry says otherwise.
const (
	defaultSpoolSize = 4 << 30
	defaultSpoolAge  = 7 * 24 * time.Hour
)

// queue reads into o what the entry at says of its writing and of its place in the spool, with the mistakes in it told.
func (r *reader) queue(o *Output, q queue, at ...any) {
	o.Queue = exporters.Config{Name: q.Name, FlushInterval: time.Duration(q.FlushInterval)}
	o.Queue.Filter = r.filter(q.filterKeys, at...)
	o.Bounds = spool.Bounds{Size: cmp.Or(int64(q.SpoolSize), defaultSpoolSize), Age: cmp.Or(time.Duration(q.SpoolAge), defaultSpoolAge)}
	if q.BatchLimit != nil && *q.BatchLimit < 1 {
		r.fail(errors.New("batch_limit must be at least 1"), append(at, "batch_limit")...)
	} else {
		set(&o.Queue.BatchLimit, q.BatchLimit)
	}
	switch q.Backfill {
	case "":
	case "newest":
		o.Order = spool.NewestFirst
	case "oldest":
		o.Order = spool.OldestFirst
	case "in_order":
		o.Order = spool.InOrder
	default:
		r.fail(fmt.Errorf("backfill is newest, oldest or in_order, and not %q", q.Backfill), append(at, "backfill")...)
	}
}

// probe makes the exporter of a configuration, which sends nothing, to see what is wrong with it.
func probe[E exporters.Exporter](r *reader, e E, err error, at ...any) bool {
	if err == nil {
		err = e.Close()
	}
	if err != nil {
		r.fail(err, at...)
	}
	return err == nil
}

// tlsKeys are those of the key tls of outputs that speak TLS.
type tlsKeys struct {
	CA          string `yaml:"ca"`
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
	ServerName  string `yaml:"server_name"`
	MinVersion  string `yaml:"min_version"`
}

// tls reads the keys, which are written below at; false if a file cannot be used.
func (r *reader) tls(k tlsKeys, at ...any) (clienttls.Config, bool) {
	at = append(at, "tls")
	r.checkPath(k.CA, append(at, "ca")...)
	r.checkPath(k.Certificate, append(at, "certificate")...)
	r.checkPath(k.Key, append(at, "key")...)
	c := clienttls.Config{CA: k.CA, Certificate: k.Certificate, Key: k.Key, ServerName: k.ServerName, MinVersion: k.MinVersion}
	if _, err := c.TLS(); err != nil {
		r.fail(fmt.Errorf("tls: %w", err), at...)
		return c, false
	}
	return c, true
}

type influxOutput struct {
	URL       string        `yaml:"url"`
	Org       string        `yaml:"org"`
	Bucket    string        `yaml:"bucket"`
	Token     secret.String `yaml:"token"`
	TokenFile string        `yaml:"token_file"`
	TokenEnv  string        `yaml:"token_env"`
	Unsigned  bool          `yaml:"unsigned"`
	Timeout   period        `yaml:"timeout"`
	TLS       tlsKeys       `yaml:"tls"`
	queue     `yaml:",inline"`
}

func (i *influxOutput) read(r *reader, o *Output, at ...any) bool {
	token, ok1 := r.secret(source{"token", i.Token, i.TokenFile, i.TokenEnv}, at...)
	tls, ok2 := r.tls(i.TLS, at...)
	if !ok1 || !ok2 {
		return false
	}
	o.InfluxDB = &influxdb.Config{URL: i.URL, Org: i.Org, Bucket: i.Bucket, Token: token, TLS: tls, Unsigned: i.Unsigned, Timeout: time.Duration(i.Timeout)}
	o.where = fmt.Sprintf("InfluxDB at %s, bucket %s", i.URL, i.Bucket)
	e, err := influxdb.New(*o.InfluxDB)
	return probe(r, e, err, at...)
}

type fileOutput struct {
	Path        string `yaml:"path"`
	Format      string `yaml:"format"`
	Unsigned    bool   `yaml:"unsigned"`
	RotateSize  size   `yaml:"rotate_size"`
	RotateEvery period `yaml:"rotate_every"`
	RotateKeep  *int   `yaml:"rotate_keep"`
	RotateGzip  bool   `yaml:"rotate_gzip"`
	queue       `yaml:",inline"`
}

func (f *fileOutput) read(r *reader, o *Output, at ...any) bool {
	o.Order = spool.InOrder
	r.checkPath(f.Path, append(at, "path")...)
	if f.RotateKeep != nil && *f.RotateKeep < 1 {
		r.fail(errors.New("rotate_keep must be at least 1"), append(at, "rotate_keep")...)
		return false
	}
	o.File = &file.Config{Path: f.Path, Format: lines.Format(f.Format), Unsigned: f.Unsigned,
		Rotation: file.Rotation{Size: int64(f.RotateSize), Every: time.Duration(f.RotateEvery), Gzip: f.RotateGzip}}
	set(&o.File.Rotation.Keep, f.RotateKeep)
	if err := o.File.Validate(); err != nil {
		r.fail(fmt.Errorf("file output: %w", err), at...)
		return false
	}
	o.where = linesOf(f.Format) + " to " + f.Path
	if f.Path == "-" {
		o.where = linesOf(f.Format) + " to standard output"
	}
	return true
}

// linesOf says what lines of a format are.
func linesOf(format string) string {
	if format == string(lines.JSON) {
		return "JSON lines"
	}
	return "line protocol"
}
