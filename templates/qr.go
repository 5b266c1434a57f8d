package templates

// QRCode is a QR code for a page to draw as one path, in its own colours, which a policy against foreign images lets through:
//
//	<svg viewBox="0 0 {{.Size}} {{.Size}}" shape-rendering="crispEdges"><path d="{{.Path}}"/></svg>
type QRCode struct {
	// Size is the width and height in modules, the empty border included.
	Size int
	// Path is the data of the path: one unit per module, filled where the code is dark.
	Path string
}
