# frozen_string_literal: true

# Stands around the example for Ruby in docs/client.md: the gem redis, and a mail of the gem mail.

require "json"
require "socket"
require "./bounced"

class Connection
  def initialize
    @socket = UNIXSocket.new(ENV.fetch("REDIS_SOCKET"))
  end

  def call(*words)
    @socket.write("*#{words.size}\r\n#{words.map { |word| "$#{word.bytesize}\r\n#{word}\r\n" }.join}")
    reply
  end

  private

  def reply
    line = @socket.gets.chomp
    said = line[1..]
    case line[0]
    when "*" then Array.new(said.to_i) { reply }
    when "$" then @socket.read(said.to_i + 2)[0..-3]
    when ":" then said.to_i
    else said
    end
  end
end

class Letter
  attr_accessor :smtp_envelope_from
  attr_reader :header, :sent

  def initialize
    @header = {}
    @sent = []
  end

  def deliver
    @sent << { from: smtp_envelope_from, headers: header }
  end
end

redis = Connection.new
mail = Letter.new
to = ENV.fetch("RECIPIENT")
recipients = ["alice@example.org", "bob@example.net"]

# EXAMPLE

puts JSON.generate(sent: mail.sent, left: left)
