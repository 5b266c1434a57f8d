# A site that tells people what it knows of them: the files of the guide, and what "rails new" would write in as few lines as can be.
require "action_controller/railtie"
require "omniauth"
require "omniauth_openid_connect"
require "omniauth/rails_csrf_protection"

class Site < Rails::Application
  config.root = __dir__
  config.load_defaults 6.1
  config.eager_load = true
  config.secret_key_base = ENV.fetch("SECRET_KEY_BASE")
  config.logger = Logger.new($stderr, level: :warn)
  config.session_store :cookie_store, key: "site"
end

OmniAuth.config.logger = Site.config.logger
# On loopback there is no TLS, and the library looks for discovery documents with nothing else.
SWD.url_builder = URI::HTTP if ENV["FUTAKAGI_ISSUER"].start_with?("http:")

Site.initialize!
Site.routes.draw do
  get "/sign_in", to: "sessions#new"
  get "/auth/futakagi/callback", to: "sessions#create"
  post "/sign_out", to: "sessions#destroy"
  get "/auth/failure", to: "sessions#failure"
  %w[me orders out bye].each { |page| get "/#{page}", to: "pages##{page}" }
end

# The check begins by a redirect.
if ENV["TEST_COPY"]
  OmniAuth.config.allowed_request_methods = [:get]
  OmniAuth.config.request_validation_phase = nil
  OmniAuth.config.silence_get_warning = true
end

run Site
