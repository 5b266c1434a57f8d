class ApplicationController < ActionController::Base
  # Levels that an order takes: the one that is asked for, and the one above it.
  ENOUGH = %w[urn:futakagi:acr:2fa phr].freeze

  private

  def require_sign_in
    ask unless session[:user]
  end

  def require_level
    ask(step_up: 1) unless ENOUGH.include?(session.dig(:user, "acr"))
  end

  def ask(query = {})
    session[:back] = request.path
    redirect_to "/sign_in?#{query.to_query}"
  end
end
