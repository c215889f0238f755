package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
	"walkabout/collector/discover"
	"walkabout/collector/session"
)

// discovery is what the command's flags say.
type discovery struct {
	options     discover.Options
	config      string
	credentials []string
	exclude     []string
	within      []string
	neighbours  []string
	collect     []string
	source      string
	output      string
	overwrite   bool
	state       string
}

func (p process) discoverCommand() *cobra.Command {
	d := discovery{options: discover.Defaults()}
	c := &cobra.Command{Use: "discover CIDR... --credential NAME[,NAME...]", Short: "Find agents in networks, and write them down as targets", Args: cobra.MinimumNArgs(1),
		Long: "Asks every address of the networks for its system group, with one credential of the configuration after another, and writes those that\n" +
			"answer as a targets file. It is slow on purpose: --rate bounds the datagrams a second of all together, and no device is asked twice at a\n" +
			"time. With -o it remembers how far it has come: broken off, the same command goes on where it stopped.\n\n" +
			"Devices that are targets already are left out of the file, and so is one that answers at a second address.",
		Example: "  snmpcollect discover 192.0.2.0/24 --credential lab,secure -o targets.d/found.yaml\n" +
			"  snmpcollect discover 192.0.2.1 --credential lab --neighbours lldp,cdp --within 192.0.2.0/23"}
	f := c.Flags()
	f.StringVarP(&d.config, "config", "c", defaultConfig, "the configuration file, for its credentials and targets")
	f.StringSliceVar(&d.credentials, "credential", nil, "names of credentials, tried in this order")
	f.StringVarP(&d.output, "output", "o", "-", "the file to write; - is standard output")
	f.BoolVar(&d.overwrite, "overwrite", false, "replace the output file if it exists")
	f.StringVar(&d.state, "state", "", "where to remember how far it has come (default: the output file's name with .state)")
	f.StringSliceVar(&d.exclude, "exclude", nil, "networks that nobody is asked in")
	f.StringSliceVar(&d.collect, "collect", []string{"system", "interfaces"}, "profiles that the targets are to collect; auto lets each device decide")
	f.StringSliceVar(&d.neighbours, "neighbours", nil, "go on to neighbours by lldp, cdp, arp")
	f.StringSliceVar(&d.within, "within", nil, "networks that neighbours may be followed to (default: those that are searched)")
	f.IntVar(&d.options.Depth, "depth", d.options.Depth, "how many steps neighbours are followed")
	f.Float64Var(&d.options.Rate, "rate", d.options.Rate, "the most datagrams a second")
	f.DurationVar(&d.options.Timeout, "timeout", d.options.Timeout, "how long an answer is waited for")
	f.IntVar(&d.options.Retries, "retries", d.options.Retries, "how often a silent address is asked again, with each credential")
	f.Uint16Var(&d.options.Port, "port", d.options.Port, "the UDP port")
	f.StringVar(&d.source, "source", "", "the address of this machine that requests leave from")
	c.RunE = func(c *cobra.Command, args []string) error { return p.discover(c.Context(), d, args) }
	return c
}

// discover searches, and writes what was found.
func (p process) discover(ctx context.Context, d discovery, networks []string) (err error) {
	cfg := p.forTools(d.config)
	if err := d.prepare(cfg, networks); err != nil {
		return err
	}
	from, err := d.resume()
	if err != nil {
		return err
	}
	sockets := session.NewSockets()
	defer func() { err = errors.Join(err, sockets.Close()) }()
	screen := newScreen(p.stderr)
	d.options.Dial = sockets.Open
	d.options.Found = func(x discover.Device) {
		screen.line(fmt.Sprintf("%-15v %-20s %-10s %s", x.Address, oneLine(x.SysName), x.Credential, oneLine(x.SysDescr)))
	}
	d.options.Progress = screen.progress
	if d.state != "" {
		d.options.Save = func(s discover.State) error { s.Search = d.search(); return s.Write(d.state) }
		if err := d.options.Save(from); err != nil { // what cannot be written is better known before hours of asking
			return fmt.Errorf("how far it has come cannot be kept beside what it finds: %w", err)
		}
	}
	state, err := discover.Run(ctx, d.options, from)
	screen.end()
	if ctx.Err() != nil && d.state != "" {
		return fmt.Errorf("broken off with %d found; the same command goes on where it stopped (%s)", len(state.Devices), d.state)
	}
	if err != nil {
		return err
	}
	return p.report(d, cfg, state)
}

// forTools reads the configuration for what a person does by hand: what is right in it is used, even if other things are wrong.
func (p process) forTools(path string) config.Config {
	cfg, problems := config.Load(path, collector.BuiltIn(), p.getenv)
	if _, err := os.Stat(path); path == defaultConfig && errors.Is(err, fs.ErrNotExist) {
		return cfg
	}
	for _, problem := range problems {
		if !problem.Warning {
			fmt.Fprintln(p.stderr, problem)
		}
	}
	return cfg
}

// prepare turns the flags into options.
func (d *discovery) prepare(cfg config.Config, networks []string) error {
	var errs []error
	parse := func(texts []string) []netip.Prefix {
		var out []netip.Prefix
		for _, text := range texts {
			prefix, err := parsePrefix(text)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			out = append(out, prefix)
		}
		return out
	}
	o := &d.options
	o.Prefixes, o.Exclude, o.Within = parse(networks), parse(d.exclude), parse(d.within)
	if len(d.credentials) == 0 {
		errs = append(errs, errors.New("--credential NAME[,NAME...] is needed: names of the section credentials of the configuration"))
	}
	for _, name := range d.credentials {
		c, err := cfg.Credential(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		o.Credentials = append(o.Credentials, discover.Credential{Name: name, Credential: c})
	}
	for _, name := range d.neighbours {
		o.Neighbours = append(o.Neighbours, discover.Protocol(strings.ToLower(name)))
	}
	if d.source != "" {
		var err error
		if o.Source, err = netip.ParseAddr(d.source); err != nil {
			errs = append(errs, fmt.Errorf("--source: %w", err))
		}
	}
	profiles := cfg.Profiles
	if profiles == nil { // there is no configuration
		profiles = collector.BuiltIn()
	}
	for _, name := range d.collect {
		if profiles[name] == nil && name != collector.Auto {
			errs = append(errs, fmt.Errorf("--collect: %w", profiles.Unknown(name, collector.Auto)))
		}
	}
	if d.output != "-" {
		if _, err := os.Stat(d.output); err == nil && !d.overwrite {
			errs = append(errs, fmt.Errorf("%s exists: name another file, or add --overwrite", d.output))
		}
		if d.state == "" {
			d.state = d.output + ".state"
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return o.Validate()
}

// parsePrefix reads a network, or an address as a network of one.
func parsePrefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, fmt.Errorf("%q is no network, as 192.0.2.0/24, and no address", text)
	}
	if p.Addr().Is4In6() {
		return p, fmt.Errorf("%q: write an IPv4 network as one", text)
	}
	return p.Masked(), nil
}

// search describes what is searched for, so that a state is not taken for another's.
func (d *discovery) search() string {
	o := d.options
	return fmt.Sprint(o.Prefixes, " exclude ", o.Exclude, " credentials ", d.credentials, " neighbours ", o.Neighbours, " within ", o.Within, " depth ", o.Depth, " port ", o.Port)
}

func (d *discovery) resume() (discover.State, error) {
	if d.state == "" {
		return discover.State{}, nil
	}
	from, err := discover.ReadState(d.state)
	if err != nil {
		return from, err
	}
	if from.Search != "" && from.Search != d.search() {
		return from, fmt.Errorf("%s is of another search (%s): remove it, or name another with --state", d.state, from.Search)
	}
	return from, nil
}

// screen is where progress is shown: one line that is written over on a terminal, a line now and then elsewhere.
type screen struct {
	w        io.Writer
	terminal bool
	shown    bool // a line stands that is to be written over
	last     time.Time
}

// progressEvery is between lines where they cannot be written over.
const progressEvery = 30 * time.Second

func newScreen(w io.Writer) *screen {
	f, ok := w.(*os.File)
	return &screen{w: w, terminal: ok && term.IsTerminal(int(f.Fd())), last: time.Now()}
}

func (s *screen) clear() {
	if s.shown {
		fmt.Fprint(s.w, "\r\x1b[K")
		s.shown = false
	}
}

func (s *screen) line(text string) {
	s.clear()
	fmt.Fprintln(s.w, strings.TrimRight(text, " "))
}

func (s *screen) progress(p discover.Progress) {
	text := fmt.Sprintf("asked %d of %d, found %d, %d refuse every credential", p.Asked, p.Of, p.Found, p.Refused)
	if p.Queued+p.Followed > 0 {
		text += fmt.Sprintf(", %d neighbours asked, %d to ask", p.Followed, p.Queued)
	}
	if p.Left > 0 {
		text += fmt.Sprintf(", %v left", p.Left.Round(time.Second))
	}
	switch {
	case s.terminal:
		s.clear()
		fmt.Fprint(s.w, text)
		s.shown = true
	case time.Since(s.last) >= progressEvery:
		s.last = time.Now()
		s.line(text)
	}
}

func (s *screen) end() { s.clear() }
