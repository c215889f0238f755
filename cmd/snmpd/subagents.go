package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"

	"walkabout/agent"
	"walkabout/agent/snmpdconf"
	"walkabout/agent/subagents"
	"walkabout/internal/localagent"
	"walkabout/internal/privilege"
	"walkabout/mib"
)

// defaultAgentXSocket is where sub-agents look for a master (RFC 2741 section 8.2.1).
const defaultAgentXSocket = "/var/agentx/master"

// subAgents is where sub-agents connect. Its sockets are opened before rights are given up, and stay what they are until the end.
type subAgents struct {
	log       *slog.Logger
	config    snmpdconf.AgentX
	listeners []net.Listener
	stop      context.CancelFunc
	serving   sync.WaitGroup
}

// agentXConfig is what the files say, and -x above them.
func agentXConfig(o *options, config *snmpdconf.Config) (snmpdconf.AgentX, error) {
	x := config.AgentX
	if o.agentXSocket == "" {
		return x, nil
	}
	x.Sockets = nil
	for text := range strings.SplitSeq(o.agentXSocket, ",") {
		s, err := snmpdconf.ParseAgentXSocket(text)
		if err != nil {
			return x, fmt.Errorf("-x: %w", err)
		}
		x.Sockets = append(x.Sockets, s)
	}
	return x, nil
}

// agentXSockets returns where sub-agents connect.
func agentXSockets(x *snmpdconf.AgentX) []snmpdconf.AgentXSocket {
	if len(x.Sockets) > 0 {
		return x.Sockets
	}
	return []snmpdconf.AgentXSocket{{Network: "unix", Address: defaultAgentXSocket}}
}

// openSubAgents opens the sockets, if master agentx says so. One that cannot be had is logged, and the agent does without.
func openSubAgents(ctx context.Context, log *slog.Logger, o *options, config *snmpdconf.Config) (*subAgents, error) {
	x, err := agentXConfig(o, config)
	s := &subAgents{log: log, config: x}
	if err != nil || !x.Master {
		return s, err
	}
	for _, socket := range agentXSockets(&x) {
		l, err := listenAgentX(ctx, socket, &x.Perms)
		if err != nil {
			log.Warn("sub-agents cannot connect: root can make the folder, agentXSocket names another one, and master off is without them", "socket", socket, "err", err)
			continue
		}
		log.Info("listening for sub-agents", "transport", socket.Network, "address", l.Addr().String())
		s.listeners = append(s.listeners, l)
		if socket.Network == "unix" {
			tellUnreachableFolder(log, socket.Address)
		}
	}
	return s, nil
}

// tellUnreachableFolder says that only one user gets at a socket that is for others too: its folder was there before, with the rights that
// Net-SNMP's agent gives it, for one.
func tellUnreachableFolder(log *slog.Logger, path string) {
	socket, err := os.Stat(path)
	if err != nil {
		return
	}
	folder, err := os.Stat(filepath.Dir(path))
	if err == nil && socket.Mode()&0o022 != 0 && folder.Mode()&0o011 == 0 {
		log.Info("sub-agents of other users cannot reach the socket, whose folder is closed to them: chmod 755 "+filepath.Dir(path), "socket", path, "mode", folder.Mode().Perm())
	}
}

// The rights of a socket's folder that is missing: others may pass through it, and it is the socket that says who may connect.
const agentXFolderMode = 0o755

func listenAgentX(ctx context.Context, socket snmpdconf.AgentXSocket, perms *snmpdconf.AgentXPerms) (net.Listener, error) {
	if socket.Network != "unix" {
		var lc net.ListenConfig
		return lc.Listen(ctx, socket.Network, socket.Address)
	}
	folder := filepath.Dir(socket.Address)
	if err := os.MkdirAll(folder, cmp.Or(perms.Folder, agentXFolderMode)); err != nil {
		return nil, err
	}
	l, err := agent.ListenUnix(ctx, socket.Address)
	if err != nil {
		return nil, err
	}
	if err := setAgentXPerms(socket.Address, perms); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

func setAgentXPerms(path string, perms *snmpdconf.AgentXPerms) error {
	if perms.User != "" || perms.Group != "" {
		id, err := privilege.Lookup(perms.User, perms.Group)
		if err != nil {
			return fmt.Errorf("agentXPerms: %w", err)
		}
		if err := os.Chown(path, id.UID, id.GID); err != nil {
			return fmt.Errorf("agentXPerms: %w", err)
		}
	}
	if perms.Socket != 0 {
		if err := os.Chmod(path, perms.Socket); err != nil {
			return fmt.Errorf("agentXPerms: %w", err)
		}
	}
	return nil
}

// serve takes sub-agents in for a, until close.
func (s *subAgents) serve(a *localagent.Agent, modules *moduleList) error {
	if len(s.listeners) == 0 {
		return nil
	}
	m, err := subagents.New(subagents.Options{
		Register: a.Register, Notify: a.Forward, Start: a.Start(), AddModule: modules.add, Allowed: s.config.Allowed, Timeout: s.config.Timeout,
		Retries: retries(s.config.Retries), Log: s.log,
	})
	if err != nil {
		return err
	}
	h, err := m.MIB()
	if err != nil {
		return err
	}
	if _, err := a.Register(h, agent.Registration{Root: subagents.Root()}); err != nil {
		return err
	}
	for _, module := range subagents.Modules() {
		modules.add(module)
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	for _, l := range s.listeners {
		s.serving.Go(func() {
			if err := m.Serve(ctx, l); err != nil {
				s.log.Error("sub-agents cannot connect any more", "address", l.Addr().String(), "err", err)
			}
		})
	}
	return nil
}

// retries is what subagents.Options have for agentXRetries.
func retries(n int) int {
	switch n {
	case -1:
		return subagents.DefaultRetries
	case 0:
		return -1
	default:
		return n
	}
}

// warnChanged says that a reload changes nothing here.
func (s *subAgents) warnChanged(o *options, config *snmpdconf.Config) {
	if x, err := agentXConfig(o, config); err == nil && !reflect.DeepEqual(x, s.config) {
		s.log.Warn("what master agentx and the agentX directives say takes effect at the next start")
	}
}

// close says good-bye to the sub-agents and waits until they are gone. It may be called for one that does not serve.
func (s *subAgents) close() {
	if s.stop != nil {
		s.stop()
		s.serving.Wait()
		return
	}
	for _, l := range s.listeners {
		_ = l.Close()
	}
}

// moduleList is the rows of sysORTable that are added to those of the agent: by the files, and by sub-agents.
type moduleList struct {
	agent *localagent.Agent

	mu    sync.Mutex
	files []mib.Module
	added []*mib.Module // by sub-agents, in their order
}

func (l *moduleList) setFiles(files []mib.Module) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.files = files
	l.useLocked()
}

// add adds a row, until remove is called.
func (l *moduleList) add(m mib.Module) (remove func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	row := &m
	l.added = append(l.added, row)
	l.useLocked()
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		for i, other := range l.added {
			if other == row {
				l.added = append(l.added[:i:i], l.added[i+1:]...)
				break
			}
		}
		l.useLocked()
	}
}

func (l *moduleList) useLocked() {
	rows := append([]mib.Module(nil), l.files...)
	for _, m := range l.added {
		rows = append(rows, *m)
	}
	l.agent.SetModules(rows)
}
