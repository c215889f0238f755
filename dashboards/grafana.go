package dashboards

// The parts of Grafana's dashboard JSON (schemaVersion 39, Grafana 10.4 and later) that are used here. Where Grafana's own schema leaves a
// part to a plugin, it is an object.

type object = map[string]any

type grafanaDashboard struct {
	ID            *int            `json:"id"` // null: Grafana gives one
	UID           string          `json:"uid"`
	Title         string          `json:"title"`
	Description   string          `json:"description"`
	Tags          []string        `json:"tags"`
	SchemaVersion int             `json:"schemaVersion"`
	Version       int             `json:"version"`
	Editable      bool            `json:"editable"`
	GraphTooltip  int             `json:"graphTooltip"` // 1: the cross hair is in all panels
	Timezone      string          `json:"timezone"`
	Refresh       string          `json:"refresh"`
	Time          timeSpan        `json:"time"`
	Timepicker    object          `json:"timepicker"`
	Annotations   list            `json:"annotations"`
	Templating    list            `json:"templating"`
	Links         []dashboardLink `json:"links"`
	Panels        []*grafanaPanel `json:"panels"`
}

type timeSpan struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type list struct {
	List []object `json:"list"`
}

type dashboardLink struct {
	Title       string   `json:"title"`
	Type        string   `json:"type"`
	Icon        string   `json:"icon"`
	Tooltip     string   `json:"tooltip"`
	URL         string   `json:"url"`
	Tags        []string `json:"tags"`
	AsDropdown  bool     `json:"asDropdown"`
	TargetBlank bool     `json:"targetBlank"`
	IncludeVars bool     `json:"includeVars"`
	KeepTime    bool     `json:"keepTime"`
}

type dataSourceRef struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type gridPos struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

type grafanaPanel struct {
	ID              int            `json:"id"`
	Type            string         `json:"type"`
	Title           string         `json:"title"`
	Description     string         `json:"description,omitempty"`
	GridPos         gridPos        `json:"gridPos"`
	DataSource      *dataSourceRef `json:"datasource,omitempty"`
	Interval        string         `json:"interval,omitempty"`
	MaxDataPoints   int            `json:"maxDataPoints,omitempty"`
	FieldConfig     *fieldConfig   `json:"fieldConfig,omitempty"`
	Options         object         `json:"options,omitempty"`
	Targets         []target       `json:"targets,omitempty"`
	Transformations []object       `json:"transformations,omitempty"`
	Collapsed       *bool          `json:"collapsed,omitempty"` // of a row, as what follows
	Panels          *[]object      `json:"panels,omitempty"`    // empty: those of a row that is open follow it
}

// target is a query. Which fields there are depends on the data source.
type target struct {
	RefID        string        `json:"refId"`
	DataSource   dataSourceRef `json:"datasource"`
	Query        string        `json:"query,omitempty"`        // InfluxQL, Flux
	RawQuery     bool          `json:"rawQuery,omitempty"`     // InfluxQL
	ResultFormat string        `json:"resultFormat,omitempty"` // InfluxQL: time_series, table
	Alias        string        `json:"alias,omitempty"`        // InfluxQL
	Expr         string        `json:"expr,omitempty"`         // PromQL
	LegendFormat string        `json:"legendFormat,omitempty"`
	EditorMode   string        `json:"editorMode,omitempty"`
	Format       string        `json:"format,omitempty"` // PromQL: time_series, table
	Instant      bool          `json:"instant,omitempty"`
	Range        bool          `json:"range,omitempty"`
}

type fieldConfig struct {
	Defaults  fieldDefaults `json:"defaults"`
	Overrides []override    `json:"overrides"`
}

type fieldDefaults struct {
	Unit       string     `json:"unit,omitempty"`
	Decimals   *int       `json:"decimals,omitempty"`
	NoValue    string     `json:"noValue,omitempty"`
	Color      object     `json:"color,omitempty"`
	Thresholds thresholds `json:"thresholds"`
	Mappings   []object   `json:"mappings"`
	Links      []dataLink `json:"links,omitempty"`
	Custom     object     `json:"custom,omitempty"`
}

type dataLink struct {
	Title       string `json:"title"`
	URL         string `json:"url"`
	TargetBlank bool   `json:"targetBlank"`
}

type thresholds struct {
	Mode  string `json:"mode"`
	Steps []step `json:"steps"`
}

type step struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"` // null: from minus infinity
}

type override struct {
	Matcher    matcher    `json:"matcher"`
	Properties []property `json:"properties"`
}

type matcher struct {
	ID      string `json:"id"`
	Options string `json:"options"`
}

type property struct {
	ID    string `json:"id"`
	Value any    `json:"value"`
}
