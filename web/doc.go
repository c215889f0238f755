// Package web serves the collector's pages: what they show in JSON, what changes as server-sent events, and the pages themselves, built from
// web/ui and kept in web/dist.
//
// All that is below answers GET, with the types of this package as JSON. Names of devices and interfaces come from the network and hold any
// character, so they are parameters and never parts of a path.
//
//	/api/ui/session                                        Session
//	/api/ui/fleet?search=&state=&sort=&desc=&offset=&limit=        Fleet
//	/api/ui/device?device=&search=&sort=&desc=&offset=&limit=      DeviceView; the parameters are those of its interfaces
//	/api/ui/table?device=&measurement=&search=&sort=&desc=&offset=&limit=  Table
//	/api/ui/interface?device=&interface=                   InterfaceView; interface is Interface.Key
//	/api/ui/graph?device=&interface=&from=&to=&points=&group=      Graph
//	/api/ui/alerts?state=&device=&silenced=&search=&offset=&limit=  Alerts
//	/api/ui/alert?fingerprint=                             AlertView
//	/api/ui/history?state=&device=&search=&before=&limit=  AlertHistory
//	/api/ui/collector                                      Collector
//	/api/ui/log?kind=&device=&search=&before=&limit=       Log
//	/api/ui/events                                         server-sent events: see Event
//
// Acknowledgements, silences and maintenance windows are those of package alert/api (/api/alerts/FINGERPRINT/ack, /api/silences, /api/maintenance),
// which docs/alerts.md describes.
//
// In all of them a time is in RFC 3339, a duration in seconds, a rate a second, traffic and speeds in bits a second; null, or a key that is
// missing, is what is not known. Texts are UTF-8 and at most MaxText characters long: longer ones are cut and end in "…". An error is
// {"error": "…"} with the status 400, 401, 403, 404, 421, 429 or 503.
//
// search has words that must all be found, in any order and case. sort names a key of what is sorted; desc=true turns the order around.
// offset and limit page through what matches (limit: 100 unless given, 1000 at most).
package web
