package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Client asks a collector that runs.
type Client struct {
	Base string       // such as http://127.0.0.1:8161
	HTTP *http.Client // it says who asks
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 256 << 20

// Get asks for path, with query, and decodes the answer into v.
func (c *Client) Get(ctx context.Context, path string, query url.Values, v any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.do(ctx, http.MethodGet, path, nil, v)
}

// Post sends body to path and decodes the answer into v.
func (c *Client) Post(ctx context.Context, path string, body, v any) error {
	return c.do(ctx, http.MethodPost, path, body, v)
}

// Delete takes away what is at path.
func (c *Client) Delete(ctx context.Context, path string, v any) error {
	return c.do(ctx, http.MethodDelete, path, nil, v)
}

func (c *Client) do(ctx context.Context, method, path string, body, v any) error {
	var sent io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.Base, "/")+path, sent)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("is the collector running? %w", err)
	}
	defer resp.Body.Close()
	data := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode != http.StatusOK {
		var p problem
		if data.Decode(&p) != nil || p.Error == "" {
			return fmt.Errorf("%s: %s; is it a collector's?", c.Base, resp.Status)
		}
		return errors.New(strings.TrimPrefix(p.Error, "alert: "))
	}
	if err := data.Decode(v); err != nil {
		return fmt.Errorf("%s%s: %w", c.Base, path, err)
	}
	return nil
}
