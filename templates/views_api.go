package templates

// APIReferenceView is the reference page of the administration API.
type APIReferenceView struct {
	DocumentURL string
	Scopes      []APIScope
	Operations  []APIOperation
	Problems    []APIProblem
}

// APIScope is one scope; its meaning is in the catalogue.
type APIScope struct{ Name string }

// APIOperation is one operation; what it does is in the catalogue under its ID.
type APIOperation struct {
	ID, Method, Path, Scope  string
	Status                   int
	Parameters, Body, Answer []APIField
	// Problems are the codes it can answer with.
	Problems []string
}

// APIField is one parameter, or one member of a body.
type APIField struct {
	Name, Type string
	Optional   bool
}

// APIProblem is one code; its meaning is in the catalogue.
type APIProblem struct {
	Code   string
	Status int
}
