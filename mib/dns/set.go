package dns

import (
	"context"
	"errors"
	"slices"
	"time"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// resetObjects are dnsServConfigReset and dnsResConfigReset, the objects that can be SET.
var resetObjects = []oid.OID{dnsServConfig.Append(dnsServConfigReset, 0), dnsResConfig.Append(dnsResConfigReset, 0)}

// reloadTime bounds the order to reload. What the server then does takes its own time.
const reloadTime = 5 * time.Second

// Prepare implements mib.Setter.
func (m *MIB) Prepare(_ context.Context, _ *mib.Request, vbs []snmp.VarBind) (mib.Change, error) {
	for i, vb := range vbs {
		refuse := func(s snmp.ErrorStatus, why string) (mib.Change, error) {
			return nil, &mib.VarError{Index: i, Status: s, Err: errors.New(why)}
		}
		switch {
		case !slices.Contains(resetObjects, vb.Name):
			return refuse(snmp.NotWritable, "the server's own configuration has it")
		case m.reloader == nil:
			return refuse(snmp.NotWritable, "the server's line in snmpd.conf does not say rw, or it takes no orders")
		case vb.Value.Kind() != snmp.KindInteger:
			return refuse(snmp.WrongType, "it is an INTEGER")
		case vb.Value.Int() < resetOther || vb.Value.Int() > resetRunning:
			return refuse(snmp.WrongValue, "it is none of the values")
		case vb.Value.Int() != resetReset:
			return refuse(snmp.InconsistentValue, "reset(2) is the value that can be written")
		}
	}
	return &reload{m, vbs[0].Name}, nil
}

// reload is a mib.Change: two objects that are reset together are one server, which reloads once.
type reload struct {
	m    *MIB
	name oid.OID
}

// Commit implements mib.Change.
func (c *reload) Commit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reloadTime)
	defer cancel()
	if err := c.m.reloader.Reload(ctx); err != nil {
		return &mib.VarError{Status: snmp.CommitFailed, Err: err}
	}
	c.m.source.log.Info("a name server was told to reload", "by", c.name)
	return nil
}

// Undo implements mib.Change. A server that has reloaded runs as its files say, as it did before: there is nothing to take back.
func (c *reload) Undo(context.Context) error { return nil }

// Close implements mib.Change.
func (c *reload) Close() {}
