package apimodel

import (
	"net/http"
	"net/url"
	"strings"
)

// In a REST protocol, the method and the path of a request determine its operation.
func (s *service) decodeREST(r *http.Request, body []byte) (input, error) {
	name, labels := s.route(r)
	if name == "" {
		return input{name: r.Method + " " + r.URL.Path}, errUnknownOperation
	}
	op := s.Operations[name]
	values := make(map[string]any)
	if op.Input == nil {
		return input{name, values}, nil
	}
	sh := s.Shapes[op.Input.Shape]
	switch payload := sh.Members[sh.Payload]; {
	case payload == nil:
		var err error
		if values, err = object(body); err != nil {
			return input{name: name}, err
		}
	case s.Shapes[payload.Shape].Type == "structure":
		whole, err := object(body)
		if err != nil {
			return input{name: name}, err
		}
		values[payload.name(sh.Payload)] = whole
	case len(body) > 0:
		values[payload.name(sh.Payload)] = body
	}
	_, literal, _ := strings.Cut(op.HTTP.RequestURI, "?")
	query := r.URL.Query()
	for name := range parseQuery(literal) {
		query.Del(name)
	}
	for inModel, m := range sh.Members {
		wire := m.name(inModel)
		switch m.Location {
		case "uri":
			if label, ok := labels[wire]; ok {
				values[wire] = s.Shapes[m.Shape].fromText(label)
			}
		case "header":
			if text := r.Header.Get(wire); text != "" {
				values[wire] = s.Shapes[m.Shape].fromText(text)
			}
		case "querystring":
			s.fromQuery(m, wire, query, values)
		}
	}
	for name := range query {
		values[name] = query.Get(name) // the model has no member with this name
	}
	return input{name, values}, nil
}

// fromQuery moves the value of a member from the query to the other values.
func (s *service) fromQuery(m *member, wire string, query url.Values, values map[string]any) {
	switch sh := s.Shapes[m.Shape]; {
	case sh.Type == "map":
		all := make(map[string]any)
		for name := range query {
			all[name] = query.Get(name)
			query.Del(name)
		}
		values[wire] = all
	case !query.Has(wire):
	case sh.Type == "list":
		all := []any{}
		for _, text := range query[wire] {
			all = append(all, s.Shapes[sh.Member.Shape].fromText(text))
		}
		values[wire] = all
		query.Del(wire)
	default:
		values[wire] = sh.fromText(query.Get(wire))
		query.Del(wire)
	}
}

// route finds the operation of a request. If several templates match the path, it chooses
// the one with the fewest labels.
func (s *service) route(r *http.Request) (name string, labels map[string]string) {
	for candidate, op := range s.Operations {
		if op.HTTP.Method != r.Method {
			continue
		}
		template, literal, _ := strings.Cut(op.HTTP.RequestURI, "?")
		found, ok := match(template, r.URL.EscapedPath())
		for key, want := range parseQuery(literal) {
			ok = ok && r.URL.Query().Get(key) == want[0]
		}
		if !ok {
			continue
		}
		if name == "" || len(found) < len(labels) || strings.Contains(op.HTTP.RequestURI, "?") {
			name, labels = candidate, found
		}
	}
	return name, labels
}

// A template looks like /functions/{FunctionName}/policy.
func match(template, path string) (labels map[string]string, ok bool) {
	want, got := strings.Split(strings.Trim(template, "/"), "/"), strings.Split(strings.Trim(path, "/"), "/")
	labels = make(map[string]string)
	for i, part := range want {
		if i >= len(got) {
			return nil, false
		}
		label, isLabel := strings.CutPrefix(part, "{")
		if !isLabel {
			if part != got[i] {
				return nil, false
			}
			continue
		}
		label = strings.TrimSuffix(label, "}")
		text := got[i]
		if greedy, ok := strings.CutSuffix(label, "+"); ok {
			label, text = greedy, strings.Join(got[i:], "/")
			got = got[:i+1]
		}
		plain, err := url.PathUnescape(text)
		if err != nil {
			return nil, false
		}
		labels[label] = plain
	}
	return labels, len(got) == len(want)
}

func parseQuery(literal string) url.Values {
	values, _ := url.ParseQuery(literal)
	return values
}
