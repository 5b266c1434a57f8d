package web

import (
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"path"
	"time"
)

// uploadTime is how long a file may take to come in, with the answer to it.
const uploadTime = 3 * time.Minute

// Upload returns the parts of a posted form with a file, to be read one after the other: nothing is kept here. The request's path
// must be one of Config.Uploads. Until it is called the body is held to the time of any other, so only who may upload has more.
func Upload(w http.ResponseWriter, r *http.Request) (*multipart.Reader, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, &Error{Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type", Cause: err}
	}
	return parts, LongBody(w)
}

// LongBody gives the body of a request that is a file the time that one may take. The request's path must be one of Config.Uploads.
func LongBody(w http.ResponseWriter) error {
	rc, until := http.NewResponseController(w), time.Now().Add(uploadTime) // deadlines of the connection, in its own time
	if err := errors.Join(rc.SetReadDeadline(until), rc.SetWriteDeadline(until)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("extend deadlines: %w", err)
	}
	return nil
}

// UploadLimit is the most bytes of a file that is posted to a path; ok is false for a path that takes none.
func UploadLimit(uploads map[string]int64, to string) (most int64, ok bool) {
	if most, ok = uploads[to]; ok {
		return most, true
	}
	for pattern, most := range uploads {
		if fits, err := path.Match(pattern, to); err == nil && fits {
			return most, true
		}
	}
	return 0, false
}

// bodyLimit is the most bytes that the body of a request may have.
func (k *Toolkit) bodyLimit(r *http.Request) int64 {
	if r.Method == http.MethodPost {
		if most, ok := UploadLimit(k.uploads, r.URL.Path); ok {
			return most
		}
	}
	if isAPI(r) {
		return maxAPIBody
	}
	return maxBody
}
