package assumptions

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
)

// Engine is an emulator that takes the place of AWS, with a list of what it lacks. The
// zero value is AWS.
type Engine struct {
	Name  string
	lacks map[Need]string
}

// The engines.
var (
	Ministack = Engine{"ministack", map[Need]string{
		SizeLimit:     "has no limit on bodies: the function answers",
		AccessLog:     "keeps no access log",
		Freezing:      "does not freeze functions between calls",
		NumberChecks:  "takes any number",
		DeliveryLogs:  "writes no delivery logs",
		Preferences:   "has no settings for SMS",
		Sandbox:       "has no sandbox",
		Permissions:   "grants the tests' own credentials everything",
		Metrics:       "keeps no metrics of its services",
		AlarmStates:   "never evaluates alarms",
		Pipes:         "does not deliver from pipes to event buses",
		TextEvents:    "has no events of sent texts",
		StablePlans:   "shows changes of alarms and pipes in every plan",
		AccountLimits: "stands for no account with limits of its own",
	}}
	Moto = Engine{"moto", map[Need]string{
		API:           "only stores what is applied: no gateway answers, and no function runs",
		SizeLimit:     "has no gateway that answers",
		AccessLog:     "has no gateway that answers",
		Freezing:      "runs no functions",
		NumberChecks:  "refuses bad numbers in words of its own",
		DeliveryLogs:  "writes no delivery logs",
		Sandbox:       "has no sandbox",
		Permissions:   "does not enforce policies",
		Metrics:       "keeps no metrics of its services",
		AlarmStates:   "never evaluates alarms",
		Pipes:         "does not run pipes",
		EventRules:    "does not run rules for queues",
		TextEvents:    "has no events of sent texts",
		AccountLimits: "stands for no account with limits of its own",
	}}
)

// Emulated reports whether e is an emulator and not AWS.
func (e Engine) Emulated() bool { return e.Name != "" }

// Having returns a copy of an engine that meets the given needs. It is for tests that
// imitate what the engine lacks.
func (e Engine) Having(needs ...Need) Engine {
	lacks := maps.Clone(e.lacks)
	for _, need := range needs {
		delete(lacks, need)
	}
	return Engine{e.Name, lacks}
}

// Returns the reason why an engine cannot run a check that has these needs. It returns ""
// if the engine can run the check.
func (e Engine) lacking(needs []Need) string {
	for _, need := range needs {
		if why := e.lacks[need]; why != "" {
			return e.Name + " " + why
		}
	}
	return ""
}

// Detect returns the engine that runs at url, or AWS if no engine runs there.
func Detect(ctx context.Context, url string) Engine {
	for _, known := range []struct {
		path   string // only this engine answers here with JSON
		engine Engine
	}{{"/_ministack/health", Ministack}, {"/moto-api/config", Moto}} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+known.path, http.NoBody)
		if err != nil {
			return Engine{}
		}
		got, err := do(req)
		if err == nil && got.status/100 == 2 && json.Valid(got.body) {
			return known.engine
		}
	}
	return Engine{}
}
