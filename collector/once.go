package collector

import (
	"context"

	"walkabout/collector/session"
)

// Once polls t once, beside the schedule and with nothing that is remembered from one time to the next: every counter has the verdict First. t need not
// be one of the Collector's targets. The error says what is wrong with t; what the agent did not answer is in the Poll, as in those of the schedule. It
// returns soon after ctx ends.
func (c *Collector) Once(ctx context.Context, t Target) (Poll, Effort, error) {
	c.reload.Lock()
	profiles := c.options.Profiles
	c.reload.Unlock()
	t.Ping, t.Structure = PingNever, 0
	p, err := newPoller(t, profiles, c.options.Dial, discard, newWorkspace())
	if err != nil {
		return Poll{}, Effort{}, err
	}
	defer p.close()
	poll := p.pollAgent(ctx)
	return poll, p.effort, nil
}

// Open opens a session on the Collector's sockets, for what is no poll. The caller closes it.
func (c *Collector) Open(ctx context.Context, o session.Options) (session.Client, error) {
	return c.options.Dial(ctx, o)
}
