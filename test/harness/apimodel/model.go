package apimodel

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/smsqueue/smsqueue/tools/engines"
)

// folders maps a service's name in signatures to the name of its folder, if the two names differ.
var folders = map[string]string{
	"monitoring":       "cloudwatch",
	"streams.dynamodb": "dynamodbstreams",
	"sms-voice":        "pinpoint-sms-voice-v2",
}

// Models reads the models of services from a folder of botocore. It reads each model when
// the model is first needed. The methods are safe for concurrent use.
type Models struct {
	dir string

	mu   sync.Mutex
	read map[string]*service // by the service's name in signatures
}

// Open returns the models of the botocore that is installed together with moto. It
// downloads moto if necessary.
func Open(ctx context.Context) (*Models, error) {
	repo, err := engines.FindRepository(ctx)
	if err != nil {
		return nil, err
	}
	environment, err := engines.Botocore().Fetch(ctx, repo)
	if err != nil {
		return nil, err
	}
	found, err := filepath.Glob(filepath.Join(environment, "lib", "python3*", "site-packages", "botocore", "data"))
	if err != nil {
		return nil, err
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("finding the models of botocore: %d folders in %s, want 1", len(found), environment)
	}
	return &Models{dir: found[0], read: make(map[string]*service)}, nil
}

type service struct {
	Metadata struct {
		APIVersion   string `json:"apiVersion"`
		Protocol     string
		TargetPrefix string
	}
	Operations map[string]*operation
	Shapes     map[string]*shape
}

type operation struct {
	HTTP struct {
		Method     string
		RequestURI string `json:"requestUri"`
	}
	Input *member
}

// shape is the type of a value.
type shape struct {
	Type     string
	Members  map[string]*member // the members of a structure
	Required []string
	Payload  string  // the member that is the whole body
	Member   *member // the elements of a list
	Key      *member // the keys of a map
	Value    *member // the values of a map
	Document bool    // whether the value can be any JSON

	Min, Max  *float64 // bounds of a number, or of the length of another value
	Pattern   string
	Enum      []string
	Flattened bool
}

// member is a member of a structure: its shape, and its place in a request.
type member struct {
	Shape        string
	Location     string // "uri", "querystring", "header", or "" for the body
	LocationName string
}

// Returns the name that the member has in requests.
func (m *member) name(inModel string) string {
	if m.LocationName != "" {
		return m.LocationName
	}
	return inModel
}

// Returns the model of the service that has the given name in signatures, or nil if there
// is no model.
func (m *Models) service(name string) (*service, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s, ok := m.read[name]; ok {
		return s, nil
	}
	folder := name
	if other, ok := folders[name]; ok {
		folder = other
	}
	versions, err := filepath.Glob(filepath.Join(m.dir, folder, "*", "service-2.json.gz"))
	if err != nil {
		return nil, err
	}
	if len(versions) == 0 {
		m.read[name] = nil
		return nil, nil //nolint:nilnil // a service without a model is a violation, not an error
	}
	s, err := readModel(versions[len(versions)-1]) // the folders are named by date
	if err != nil {
		return nil, fmt.Errorf("reading the model of %s: %w", name, err)
	}
	m.read[name] = s
	return s, nil
}

func readModel(path string) (s *service, err error) {
	file, err := os.Open(path) //nolint:gosec // the file belongs to the engine's own environment
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	plain, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	s = new(service)
	return s, json.NewDecoder(plain).Decode(s)
}
