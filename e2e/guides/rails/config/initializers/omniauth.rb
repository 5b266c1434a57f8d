# The library does not look at the issuer of an answer (RFC 9207): this refuses what another one sent, before its code is used.
class AnswerIssuer
  def initialize(app)
    @app = app
  end

  def call(env)
    request = Rack::Request.new(env)
    if request.path == "/auth/futakagi/callback" && request.params["iss"] != ENV["FUTAKAGI_ISSUER"]
      return [403, { "Content-Type" => "text/plain" }, ["another issuer"]]
    end

    @app.call(env)
  end
end

Rails.application.config.middleware.use AnswerIssuer
Rails.application.config.middleware.use OmniAuth::Builder do
  provider :openid_connect, {
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
