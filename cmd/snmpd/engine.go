package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"walkabout/agent/persist"
	"walkabout/agent/snmpdconf"
	"walkabout/internal/statedir"
	"walkabout/snmp/usm"
)

// engine is the SNMPv3 engine and the lock of the folder that its state is in. Where SNMPv3 is off it is nil, and its methods do nothing.
type engine struct {
	engine  *usm.Engine
	dir     *statedir.Dir
	state   persist.State    // what is in dir
	id      snmpdconf.Engine // what the files said of it
	cache   snmpdconf.KeyCache
	dirName string
}

// openEngine starts the engine's next boot, which is on the disk when it returns. If that cannot be, SNMPv3 is off, for an engine that
// forgets its boots accepts old messages again.
func (p *process) openEngine(ctx context.Context, log *slog.Logger, o *options, s *settings) *engine {
	e, err := p.boot(ctx, log, o, s)
	if err != nil {
		log.Warn("SNMPv3 is off, v1 and v2c are served: the engine's identity cannot be kept. persistentDir names another folder", "users", len(s.users), "err", err)
		return nil
	}
	boots, _ := e.engine.Clock(time.Now())
	log.Info("SNMPv3 engine", "engineID", fmt.Sprintf("0x%x", e.engine.ID()), "engineBoots", boots, "state", e.dir.Path())
	if boots == usm.MaxBoots {
		log.Error("SNMPv3 answers nobody: engineBoots has reached its end (RFC 3414 section 2.2.2). Set another engineID, and remove the state", "state", e.dir.Path())
	}
	return e
}

func (p *process) boot(ctx context.Context, log *slog.Logger, o *options, s *settings) (e *engine, err error) {
	dir, err := p.stateDir(s.stateDir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, dir.Close())
		}
	}()
	state, err := p.loadState(ctx, log, o, s, dir.Path())
	if err != nil {
		return nil, err
	}
	state.Boots = min(state.Boots+1, usm.MaxBoots)
	if err := persist.Save(dir.Path(), state); err != nil {
		return nil, err
	}
	out := &engine{dir: dir, state: state, id: s.engine, dirName: s.stateDir}
	if out.engine, err = usm.NewEngine(state.EngineID, state.Boots, time.Now()); err != nil {
		return nil, err
	}
	return out, nil
}

// loadState returns the state of the last start, with the engineID that the files ask for; at the first start what Net-SNMP's agent has left.
func (p *process) loadState(ctx context.Context, log *slog.Logger, o *options, s *settings, dir string) (persist.State, error) {
	state, err := persist.Load(dir)
	if err != nil {
		return state, err
	}
	first := state.EngineID == ""
	var before predecessor
	err = p.account.rights.Reading(func() (err error) {
		before, err = p.findPredecessor(o, dir, p.configuredDir(s.stateDir))
		return err
	})
	if first {
		if err != nil {
			return state, err
		}
		state.EngineID, state.Boots = before.EngineID, before.Boots
	}
	if state.EngineID, err = p.engineID(ctx, s.engine, state.EngineID); err != nil {
		return state, err
	}
	if first {
		state.Objects, err = before.objects(log, state.EngineID)
	} else {
		err = before.warnNew(log, &state)
	}
	return state, err
}

// configuredDir is the folder that the file or the environment names; "" if none.
func (p *process) configuredDir(directive string) string {
	if directive != "" {
		return directive
	}
	return p.env.Getenv("SNMP_PERSISTENT_DIR")
}

// stateDir opens the first of the folders that persistentDir, SNMP_PERSISTENT_DIR and the system's habits name.
func (p *process) stateDir(configured string) (*statedir.Dir, error) {
	path, err := p.stateDirPath(configured)
	if err != nil {
		return nil, err
	}
	return statedir.Open(path)
}

func (p *process) stateDirPath(configured string) (string, error) {
	return p.env.Resolve(p.configuredDir(configured), "snmpd")
}

// engineIDRandom is the type octet of Net-SNMP's own kind of snmpEngineID: 4 random octets and the seconds since 1970.
const engineIDRandom = 0x80

// engineID returns the snmpEngineID that the files ask for, else the one that is kept, else a new one.
func (p *process) engineID(ctx context.Context, c snmpdconf.Engine, kept string) (string, error) {
	switch {
	case c.ID != "":
		return c.ID, nil
	case c.Type == snmpdconf.EngineIDMAC:
		name := c.NIC
		if name == "" {
			name = snmpdconf.DefaultNIC
		}
		nic, err := net.InterfaceByName(name)
		if err != nil {
			return "", fmt.Errorf("engineIDNic %s: %w", name, err)
		}
		if len(nic.HardwareAddr) != 6 {
			return "", fmt.Errorf("engineIDNic %s: it has no MAC address", name)
		}
		return typedID(byte(c.Type), nic.HardwareAddr), nil
	case c.Type != 0:
		host, err := os.Hostname()
		if err != nil {
			return "", fmt.Errorf("engineIDType: %w", err)
		}
		ips, err := p.resolve(ctx, host, c.Type == snmpdconf.EngineIDIPv6)
		if err != nil {
			return "", fmt.Errorf("engineIDType %d: the address of this host: %w", c.Type, err)
		}
		return typedID(byte(c.Type), ips[0].AsSlice()), nil
	case kept != "":
		return kept, nil
	}
	var b [8]byte
	if _, err := rand.Read(b[:4]); err != nil {
		return "", fmt.Errorf("a random engineID: %w", err)
	}
	binary.BigEndian.PutUint32(b[4:], uint32(time.Now().Unix()))
	return typedID(engineIDRandom, b[:]), nil
}

func typedID(kind byte, octets []byte) string {
	return snmpdconf.EngineIDPrefix + string([]byte{kind}) + string(octets)
}

func (e *engine) usm() *usm.Engine {
	if e == nil {
		return nil
	}
	return e.engine
}

// keys returns the users with their keys at e.
func (e *engine) keys(users []snmpdconf.User) ([]usm.User, error) {
	if e == nil {
		return nil, nil
	}
	return e.cache.Users(users, e.engine.ID())
}

func (e *engine) setUsers(users []usm.User) error {
	if e == nil {
		return nil
	}
	return e.engine.SetUsers(users)
}

// warnChanged says what of s a reload does not put to use.
func (e *engine) warnChanged(log *slog.Logger, s *settings) {
	if e == nil && len(s.users) > 0 {
		log.Warn("SNMPv3 is off until the next start", "users", len(s.users))
	}
	if e != nil && (e.id != s.engine || e.dirName != s.stateDir) {
		log.Warn("engineID, engineIDType, engineIDNic and persistentDir take effect at the next start")
	}
}

// close lets others have the state folder.
func (e *engine) close(log *slog.Logger) {
	if e == nil {
		return
	}
	if err := e.dir.Close(); err != nil {
		log.Warn("closing the state folder", "err", err)
	}
}
