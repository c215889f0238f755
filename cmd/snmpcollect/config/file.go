package config

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"go.yaml.in/yaml/v3"

	durations "walkabout/internal/duration"
	"walkabout/internal/secret"
)

// document is snmpcollect.yaml as it is written; README.md shows one. What may be left out is a pointer where its absence differs
// from zero.
type document struct {
	Interval     period                `yaml:"interval"`
	Ping         string                `yaml:"ping"`
	State        string                `yaml:"state"`
	Listen       *string               `yaml:"listen"`
	ExternalURL  string                `yaml:"external_url"`
	APIToken     secret.String         `yaml:"api_token"`
	APITokenFile string                `yaml:"api_token_file"`
	APITokenEnv  string                `yaml:"api_token_env"`
	Pages        pagesKeys             `yaml:"pages"`
	Credentials  map[string]credential `yaml:"credentials"`
	Targets      []target              `yaml:"targets"`
	Include      []string              `yaml:"include"`
	FileSD       []fileSD              `yaml:"file_sd_configs"`
	HTTPSD       []httpSD              `yaml:"http_sd_configs"`
	DNSSD        []dnsSD               `yaml:"dns_sd_configs"`
	Outputs      []output              `yaml:"outputs"`
	Spool        spoolKeys             `yaml:"spool"`
	Alerts       alerts                `yaml:"alerts"`
	Notify       []notifier            `yaml:"notify"`
	Traps        *traps                `yaml:"traps"`
	Scrape       *scrapeKeys           `yaml:"scrape"`
	Store        *storeKeys            `yaml:"store"`
	Self         bool                  `yaml:"self"`
	Profiles     words                 `yaml:"profiles"`
	MIBs         words                 `yaml:"mibs"`
	MIBModules   words                 `yaml:"mib_modules"`
}

type credential struct {
	Version          string        `yaml:"version"`
	Community        secret.String `yaml:"community"`
	CommunityFile    string        `yaml:"community_file"`
	CommunityEnv     string        `yaml:"community_env"`
	User             string        `yaml:"user"`
	Auth             string        `yaml:"auth"`
	AuthPassword     secret.String `yaml:"auth_password"`
	AuthPasswordFile string        `yaml:"auth_password_file"`
	AuthPasswordEnv  string        `yaml:"auth_password_env"`
	Priv             string        `yaml:"priv"`
	PrivPassword     secret.String `yaml:"priv_password"`
	PrivPasswordFile string        `yaml:"priv_password_file"`
	PrivPasswordEnv  string        `yaml:"priv_password_env"`
	Context          string        `yaml:"context"`
	ContextEngineID  string        `yaml:"context_engine_id"`
}

// spoolKeys are those of what the spool does for no output in particular.
type spoolKeys struct {
	Keep     duration `yaml:"keep"`
	KeepSize size     `yaml:"keep_size"`
}

// headerValue is a secret as a value of a mapping: {X-Key: text}, {X-Key: {file: PATH}} or {X-Key: {env: NAME}}.
type headerValue struct {
	inline    secret.String
	file, env string
}

// UnmarshalYAML reads the three forms.
func (h *headerValue) UnmarshalYAML(n *yaml.Node) error {
	mistake := &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: a header is a text, {file: PATH} or {env: NAME}", n.Line)}}
	if n.Kind == yaml.ScalarNode {
		h.inline = secret.New(n.Value)
		return nil
	}
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 || n.Content[1].Kind != yaml.ScalarNode {
		return mistake
	}
	switch n.Content[0].Value {
	case "file":
		h.file = n.Content[1].Value
	case "env":
		h.env = n.Content[1].Value
	default:
		return mistake
	}
	return nil
}

// duration is a time.Duration that insists on its unit.
type duration time.Duration

// UnmarshalYAML reads "30s", "5m", "1h30m", "7d".
func (d *duration) UnmarshalYAML(n *yaml.Node) error {
	v, err := durations.NotNegative(n.Value)
	if err != nil {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %v", n.Line, err)}}
	}
	*d = duration(v)
	return nil
}

// period is a duration above 0.
type period time.Duration

// UnmarshalYAML reads what duration does, but no 0.
func (p *period) UnmarshalYAML(n *yaml.Node) error {
	if err := (*duration)(p).UnmarshalYAML(n); err != nil {
		return err
	}
	if *p == 0 {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: a time above 0 is wanted here", n.Line)}}
	}
	return nil
}

// size is a number of octets above 0.
type size int64

// UnmarshalYAML reads "4GiB", "500MB".
func (s *size) UnmarshalYAML(n *yaml.Node) error {
	v, err := humanize.ParseBytes(n.Value)
	_, bare := strconv.ParseFloat(n.Value, 64) // 4 is meant to be more than four octets
	if n.Kind != yaml.ScalarNode || err != nil || bare == nil || v == 0 || v > math.MaxInt64 {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %q is no size; write it with its unit, as in 500MiB or 4GiB", n.Line, n.Value)}}
	}
	*s = size(v)
	return nil
}

// source is where one secret may come from: the file itself, another file, the environment.
type source struct {
	key    string // the key of the inline form
	inline secret.String
	file   string
	env    string
}

var (
	errTwice = errors.New("given in more than one way; keep one of them")
	errEmpty = errors.New("is empty")
)

// maxSecret bounds what is read as a secret: more is a mistaken path.
const maxSecret = 64 << 10

// read returns the secret, the empty one if it was not given at all. A file's last line end is not part of it.
func (s source) read(getenv func(string) string) (secret.String, error) {
	ways := 0
	for _, given := range []bool{!s.inline.IsZero(), s.file != "", s.env != ""} {
		if given {
			ways++
		}
	}
	switch {
	case ways > 1:
		return secret.String{}, fmt.Errorf("%s, %s_file, %s_env: %w", s.key, s.key, s.key, errTwice)
	case s.env != "":
		v := getenv(s.env)
		if v == "" {
			return secret.String{}, fmt.Errorf("%s_env: the environment variable %s %w or not set", s.key, s.env, errEmpty)
		}
		return secret.New(v), nil
	case s.file != "":
		return s.readFile()
	}
	return s.inline, nil
}

func (s source) readFile() (secret.String, error) {
	info, err := os.Stat(s.file)
	if err != nil {
		return secret.String{}, fmt.Errorf("%s_file: %w", s.key, err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxSecret {
		return secret.String{}, fmt.Errorf("%s_file: %s is no regular file of at most %d octets", s.key, s.file, maxSecret)
	}
	b, err := os.ReadFile(s.file)
	if err != nil {
		return secret.String{}, fmt.Errorf("%s_file: %w", s.key, err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if text == "" {
		return secret.String{}, fmt.Errorf("%s_file: %s %w", s.key, s.file, errEmpty)
	}
	return secret.New(text), nil
}
