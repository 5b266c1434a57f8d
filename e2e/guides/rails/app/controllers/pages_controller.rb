class PagesController < ApplicationController
  before_action :require_sign_in, only: :me
  before_action :require_level, only: :orders

  def me
    render json: session[:user]
  end
  alias_method :orders, :me

  def out
    render inline: '<%= button_to "ログアウト", "/sign_out" %>'
  end

  def bye
    render plain: "bye"
  end
end
