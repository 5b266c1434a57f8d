class SessionsController < ApplicationController
  # GET /sign_in: OmniAuth begins with a POST that carries the form's token.
  def new
    render inline: '<%= button_to "ログイン", "/auth/futakagi?#{params.permit(:step_up).to_query}", data: { turbo: false } %>'
  end

  # GET /auth/futakagi/callback
  def create
    auth = request.env["omniauth.auth"]
    back = session[:back]
    reset_session # whoever was signed in before is not any more
    session[:user] = auth.extra.raw_info.slice("sub", "name", "email", "acr", "amr", "auth_time")
    session[:id_token] = auth.credentials.id_token
    redirect_to back || "/me"
  end

  # POST /sign_out
  def destroy
    id_token = session[:id_token]
    reset_session
    query = { id_token_hint: id_token, post_logout_redirect_uri: "#{ENV["APP_URL"]}/bye" }
    redirect_to "#{ENV["FUTAKAGI_ISSUER"]}/logout?#{query.to_query}", allow_other_host: true
  end

  # GET /auth/failure
  def failure
    render plain: params[:message], status: :forbidden
  end
end
