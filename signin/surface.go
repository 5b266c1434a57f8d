package signin

// SurfaceOf is the surface on which accounts of a kind use our own pages, and whose rules they are set up by.
func SurfaceOf(kind string) string {
	if kind == "operator" {
		return "admin"
	}
	return "store"
}
