package influxdb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// answer3 is how InfluxDB 3 answers errors: with the word error where 2 has message, and of a write with the lines that it refused, a list of them or one.
type answer3 struct {
	Error   string          `json:"error"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
}

type refusedLine struct {
	Number int    `json:"line_number"`
	Words  string `json:"error_message"`
}

// translate puts an error of InfluxDB 3's into the form of 2, which is all that the client library reads. What is of another form stays.
func translate(resp *http.Response) {
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxWords))
	resp.Body = body{bytes.NewReader(text), resp.Body}
	var a answer3
	if err != nil || json.Unmarshal(text, &a) != nil || a.Error == "" || a.Message != "" || resp.Header.Get("X-Influxdb-Error") != "" {
		return // 1.8 has its words in that header
	}
	words := a.Error
	var lines []refusedLine
	if json.Unmarshal(a.Data, &lines) != nil {
		lines = make([]refusedLine, 1)
		if json.Unmarshal(a.Data, &lines[0]) != nil {
			lines = nil
		}
	}
	if len(lines) > 0 && lines[0].Words != "" {
		words = fmt.Sprintf("%s: line %d: %s", words, lines[0].Number, lines[0].Words)
	}
	translated, err := json.Marshal(map[string]string{"code": "invalid", "message": words})
	if err == nil {
		resp.Body = body{bytes.NewReader(translated), resp.Body}
		resp.Header.Set("Content-Type", "application/json")
	}
}
