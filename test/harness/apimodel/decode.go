package apimodel

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

var errUnknownOperation = errors.New("the model has no such operation")

// An input is the decoded content of a request. The values have the types that
// encoding/json uses, with json.Number for numbers. A value is a []byte only if it is a
// blob that is the whole body. A structure is a map whose keys are the names of the
// members in the request.
type input struct {
	name   string // the name of the operation
	values map[string]any
}

func (s *service) decode(r *http.Request, body []byte) (input, error) {
	target := r.Header.Get("X-Amz-Target")
	switch {
	case target != "":
		return s.decodeJSON(target, body)
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		return s.decodeForm(body)
	case s.Metadata.Protocol == "rest-json":
		return s.decodeREST(r, body)
	}
	return input{}, fmt.Errorf("the request's protocol is none of JSON, query and REST-JSON: %s %s", r.Method, r.URL.Path)
}

func (s *service) decodeJSON(target string, body []byte) (input, error) {
	prefix, name, _ := strings.Cut(target, ".")
	if s.Operations[name] == nil || prefix != s.Metadata.TargetPrefix {
		return input{name: target}, errUnknownOperation
	}
	values, err := object(body)
	return input{name, values}, err
}

// Decodes a JSON object. An empty body counts as an empty object.
func object(body []byte) (map[string]any, error) {
	values := make(map[string]any)
	if len(body) == 0 {
		return values, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&values); err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the body has more than one JSON value")
	}
	return values, nil
}

func (s *service) decodeForm(body []byte) (input, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return input{}, fmt.Errorf("reading the body: %w", err)
	}
	name := form.Get("Action")
	op := s.Operations[name]
	if op == nil || form.Get("Version") != s.Metadata.APIVersion {
		return input{name: name + " of version " + form.Get("Version")}, errUnknownOperation
	}
	form.Del("Action")
	form.Del("Version")
	root := new(branch)
	for _, key := range slices.Sorted(maps.Keys(form)) {
		if len(form[key]) > 1 {
			return input{name: name}, fmt.Errorf("the body has %s more than once", key)
		}
		root.add(strings.Split(key, "."), form.Get(key))
	}
	values, _ := s.fromForm(op.Input, root).(map[string]any)
	return input{name, values}, nil
}

// branch is a part of a form whose keys are paths, such as Tags.member.1.Key.
type branch struct {
	text string
	sub  map[string]*branch
}

func (b *branch) add(path []string, text string) {
	if len(path) == 0 {
		b.text = text
		return
	}
	if b.sub == nil {
		b.sub = make(map[string]*branch)
	}
	if b.sub[path[0]] == nil {
		b.sub[path[0]] = new(branch)
	}
	b.sub[path[0]].add(path[1:], text)
}

// Returns the branches 1, 2 and so on below the given name. It returns ok == false if
// there are other branches too, or if there is a text and no branch.
func (b *branch) numbered(name string) (all []*branch, ok bool) {
	if len(b.sub) == 0 {
		return nil, b.text == ""
	}
	for i := 1; b.sub[name] != nil && b.sub[name].sub[strconv.Itoa(i)] != nil; i++ {
		all = append(all, b.sub[name].sub[strconv.Itoa(i)])
	}
	return all, len(b.sub) == 1 && b.sub[name] != nil && len(all) == len(b.sub[name].sub)
}

// misfit stands for a value that does not have the form of its shape.
type misfit struct{}

func (s *service) fromForm(m *member, b *branch) any {
	if m == nil {
		return map[string]any{}
	}
	sh := s.Shapes[m.Shape]
	switch sh.Type {
	case "structure":
		values := make(map[string]any)
		for name, sub := range b.sub {
			values[name] = sub.text
			for inModel, m := range sh.Members {
				if m.name(inModel) == name {
					values[name] = s.fromForm(m, sub)
				}
			}
		}
		return values
	case "list":
		values := []any{}
		all, ok := b.numbered(sh.Member.name("member"))
		if !ok {
			return misfit{}
		}
		for _, sub := range all {
			values = append(values, s.fromForm(sh.Member, sub))
		}
		return values
	case "map":
		values := make(map[string]any)
		all, ok := b.numbered("entry")
		for _, sub := range all {
			key, value := sub.sub[sh.Key.name("key")], sub.sub[sh.Value.name("value")]
			if ok = ok && key != nil && value != nil && len(sub.sub) == 2; ok {
				values[key.text] = s.fromForm(sh.Value, value)
			}
		}
		if !ok {
			return misfit{}
		}
		return values
	}
	if b.sub != nil {
		return misfit{}
	}
	return sh.fromText(b.text)
}

// fromText converts a text to the type of the shape. It returns the text unchanged if the
// text does not fit this type.
func (sh *shape) fromText(text string) any {
	switch sh.Type {
	case "integer", "long", "float", "double":
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return json.Number(text)
		}
	case "boolean":
		if v, err := strconv.ParseBool(text); err == nil {
			return v
		}
	}
	return text
}
