# What the library leaves out: PKCE, the issuer of an answer (RFC 9207), an ID token in any case, and its at_hash.
class Futakagi < OmniAuth::Strategies::OpenIDConnect
  def authorize_uri
    verifier = session["omniauth.verifier"] = SecureRandom.urlsafe_base64(48)
    challenge = { code_challenge: hash_of(verifier), code_challenge_method: "S256" }
    options[:extra_authorize_params] = options.extra_authorize_params.merge(challenge)
    super
  end

  def callback_phase
    return fail!(:another_issuer) unless params["iss"] == options.issuer

    super
  end

  private

  def access_token
    @access_token ||= client.access_token!(
      client_auth_method: options.client_auth_method, code_verifier: session.delete("omniauth.verifier")
    ).tap do |token|
      raise CallbackError, error: :no_id_token unless token.id_token

      verify_id_token!(token.id_token)
      bound = decode_id_token(token.id_token).at_hash == hash_of(token.access_token, 16)
      raise CallbackError, error: :another_access_token unless bound
    end
  end

  def hash_of(text, bytes = 32)
    Base64.urlsafe_encode64(Digest::SHA256.digest(text)[0, bytes], padding: false)
  end
end

Rails.application.config.middleware.use OmniAuth::Builder do
  provider Futakagi, {
    name: :futakagi,
    issuer: ENV["FUTAKAGI_ISSUER"], # https://auth.example.jp
    discovery: true,
    scope: [:openid, :profile, :email],
    response_type: :code,
    client_auth_method: :basic,
    # What a request may ask for; the options are a copy for this request.
    setup: ->(env) {
      options = env["omniauth.strategy"].options
      options[:acr_values] = "urn:futakagi:acr:2fa" if Rack::Request.new(env).params["step_up"]
    },
    client_options: {
      identifier: ENV["FUTAKAGI_CLIENT"], # rails
      secret: ENV["FUTAKAGI_SECRET"],
      redirect_uri: "#{ENV["APP_URL"]}/auth/futakagi/callback", # https://app.example.jp/auth/futakagi/callback
    },
  }
end
