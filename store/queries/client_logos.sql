-- name: PutClientLogo :exec
INSERT INTO client_logos (client_id, media_type, data, sha256, updated_at)
VALUES (@client_id, @media_type, @data, @sha256, @now)
ON CONFLICT (client_id) DO UPDATE
SET media_type = excluded.media_type, data = excluded.data, sha256 = excluded.sha256, updated_at = excluded.updated_at;

-- name: GetClientLogo :one
SELECT * FROM client_logos WHERE client_id = @client_id;

-- name: DeleteClientLogo :execrows
DELETE FROM client_logos WHERE client_id = @client_id;

-- name: SetClientLogoVersion :execrows
-- What names the logo of a client. Callers hold the client.
UPDATE clients SET logo_version = @logo_version, updated_at = @now WHERE id = @id;
