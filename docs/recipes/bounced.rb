# frozen_string_literal: true

# Return paths and the suppression list of bounced, from Ruby 3 or later.  Domains that are not ASCII need the gem
# simpleidn.  `redis` is anything that sends one command: the client of the gem redis, or a lambda.

require "erb"
require "openssl"
require "securerandom"
require "time"

class Bounced
  BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
  OPT_IN = %w[unknown single confirmed imported].freeze
  ENGAGEMENT = %w[unknown active inactive first_mail].freeze
  DOT_ATOM = /\A(?:[a-zA-Z0-9!#$%&'*+\/=?^_`{|}~.-]|[^\x00-\x7f[:space:]])+\z/
  DOMAIN = /\A(?:(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}|\[[a-z0-9.:-]+\])\z/
  FITS = /\A[a-z0-9#$&'*+=?^_`{}~-]+(?:\.[a-z0-9#$&'*+=?^_`{}~-]+)*@[a-z0-9._-]+\z/

  PAGE = %r{\Ahttps://[!$-+\--;=@-~]{1,192}\z}
  DAY_S = 86_400
  UNSUBSCRIBE_DAYS = 400
  BATCH = 1000
  TOLD = %w[delivered engaged rejected subscribed unsubscribed complained suppress release].freeze

  # `token_days` is the list's; `unsubscribe_url`, `feedback` and `sender_id` are for headers_for.
  def initialize(bounce_domain:, key_id:, secret:, list: "main", prefix: "b-", key_prefix: "bounced",
                 token_days: 60, unsubscribe_url: "", feedback: "fbl", sender_id: "")
    @list, @bounce_domain, @key_id, @prefix = list, bounce_domain, key_id, prefix
    @secret, @token_days, @feedback = Bounced.key_of(secret), token_days, feedback
    @sender_id = sender_id.empty? ? OpenSSL::Digest::SHA256.hexdigest(bounce_domain)[0, 12] : sender_id
    raise ArgumentError, "sender_id has 5 to 15 of A-Z, a-z, 0-9, ., _ and -" unless @sender_id.match?(/\A[A-Za-z0-9._-]{5,15}\z/)
    raise ArgumentError, "not a page" unless unsubscribe_url.empty? || unsubscribe_url.match?(PAGE)

    @page = unsubscribe_url.sub(%r{/+\z}, "")
    @keys = "#{key_prefix}:{#{list}}:"
  end

  # The key in a file, for `secret`.  Raises an error that names the file.
  def self.key_from_file(file)
    key_of(File.binread(file))
  rescue ArgumentError, SystemCallError => e
    raise ArgumentError, "#{file}: #{e.message}"
  end

  # The secret in the content of a key's file or variable, without what editors add around it.
  def self.key_of(octets)
    octets = octets.b
    text = octets.delete_prefix("\xEF\xBB\xBF".b)
    is_text = text != octets || octets.match?(/\A[\t\r\n\x20-\x7e]*\z/n)
    key = is_text ? text.gsub(/\A[ \t\r\n]+|[ \t\r\n]+\z/n, "") : octets.sub(/[\r\n]+\z/n, "")
    good = !octets.start_with?("\xFF\xFE".b, "\xFE\xFF".b) && key.bytesize >= 16 && key.match?(/[^\0]/n)
    good ? key : raise(ArgumentError, "not a good key: at least 16 octets, not UTF-16")
  end

  # The envelope sender for one message.  If the recipient does not fit into it, a token is registered.
  def return_path_for(redis, address, **mail)
    signed(address, **mail) || register_token(redis, address, **mail)
  end

  # The address to which a recipient writes to be unsubscribed; good for 400 days.
  def unsubscribe_path_for(redis, address, **mail)
    signed_unsubscribe(address, **mail) || register_token(redis, address, unsubscribes: true, **mail)
  end

  # The header fields by which a recipient unsubscribes and its provider tells of complaints.  DKIM must sign them.
  def headers_for(redis, address, **mail)
    path = unsubscribe_path_for(redis, address, **mail)
    local, domain = path.split("@")
    encoded = ERB::Util.url_encode(local)
    ways = ["<mailto:#{encoded}@#{domain}?subject=unsubscribe>"]
    ways.unshift("<#{@page}/u/#{encoded}>") unless @page.empty?
    {
      "List-Unsubscribe" => ways.join(", "),
      "List-Unsubscribe-Post" => @page.empty? ? nil : "List-Unsubscribe=One-Click",
      "Feedback-ID" => "#{mail[:tag]}:#{@list}::#{@sender_id}",
      "CFBL-Address" => "#{@feedback}@#{domain}; report=arf",
      "CFBL-Feedback-ID" => ERB::Util.url_encode(path).gsub(".", "%2E"),
    }.compact
  end

  def suppressed?(redis, address)
    redis.call("SISMEMBER", "#{@keys}suppressed", Bounced.normalise(address)).to_i == 1
  end

  # Of many addresses, those that must not be mailed now, as given.  What is no address is among them.
  def suppressed_among(redis, addresses)
    addresses.each_slice(BATCH).flat_map do |batch|
      asked, refused = batch.map { |address| [address, Bounced.normalised_or_nil(address)] }.partition(&:last)
      answers = asked.empty? ? [] : redis.call("SMISMEMBER", "#{@keys}suppressed", *asked.map(&:last))
      suppressed = asked.zip(answers).select { |_, answer| answer.to_i == 1 }.map(&:first)
      (suppressed + refused).map(&:first)
    end
  end

  # Tell what you know: delivered, engaged, rejected (with reply, mta, stage), subscribed, unsubscribed, complained.
  def report(redis, type, address, **more)
    raise ArgumentError, "not one of #{TOLD.join(', ')}: #{type}" unless TOLD.include?(type.to_s)
    raise ArgumentError, "rejected needs the reply" if type.to_s == "rejected" && more[:reply].to_s.empty?

    tell(redis, type: type, address: Bounced.normalise(address), **more)
  end

  # Tell how many messages of a campaign were sent, if you like to one recipient domain.  Rates need this.
  def report_sent(redis, count, campaign: "", domain: "")
    raise ArgumentError, "not a count: #{count}" unless count.is_a?(Integer) && count >= 1

    tell(redis, type: "sent", count: count, campaign: campaign, domain: domain)
  end

  # The signed return path, or nil if a token is needed.
  def signed(address, **mail)
    sign(@prefix, [], address, **mail)
  end

  # The signed unsubscribe path, or nil if a token is needed.
  def signed_unsubscribe(address, **mail)
    sign("u-", ["unsubscribe"], address, **mail)
  end

  def token_path(token, unsubscribes: false)
    "#{unsubscribes ? 'u-' : @prefix}t#{token}@#{@bounce_domain}"
  end

  def register_token(redis, address, unsubscribes: false, tag: "", opt_in: "unknown", engagement: "unknown",
                     date: Time.now.utc.to_date)
    token = Bounced.new_token(SecureRandom.bytes(17))
    key = "#{@keys}token:#{token}"
    recipient = Bounced.normalise(address)
    profile = "#{opt_in} #{engagement}"
    purpose = unsubscribes ? %w[purpose unsubscribe] : []
    known = ["recipient", recipient, "issued", date.iso8601, "campaign", tag, "profile", profile, *purpose]
    redis.call("HSET", key, *known)
    redis.call("EXPIRE", key, ((unsubscribes ? UNSUBSCRIBE_DAYS : @token_days) * DAY_S).to_s)
    token_path(token, unsubscribes: unsubscribes)
  end

  # An address as it is signed and stored.  Raises ArgumentError if it is no address.
  def self.normalise(address)
    text = address.unicode_normalize(:nfc)
    local, at, domain = text.rpartition("@")
    raise ArgumentError, "not an address" if at.empty? || text.match?(/[\p{Cc}\p{Zl}\p{Zp}]/)

    domain = (domain.ascii_only? ? domain : Bounced.to_ascii(domain)).downcase.delete_suffix(".")
    raise ArgumentError, "not an address" unless domain.match?(DOMAIN)

    "#{local_part(local).tr('A-Z', 'a-z')}@#{domain}"
  end

  def self.to_ascii(domain)
    SimpleIDN.to_ascii(domain)
  rescue RangeError
    raise ArgumentError, "not an address"
  end

  def self.normalised_or_nil(address)
    normalise(address)
  rescue ArgumentError
    nil
  end

  def self.new_token(random)
    leading(random, 26)
  end

  def self.local_part(local)
    return local if local.match?(DOT_ATOM)
    raise ArgumentError, "not an address" unless local.match?(/\A"(?:[^"\\]|\\.)*"\z/)

    content = local[1..-2].gsub(/\\(.)/, '\1')
    content.match?(DOT_ATOM) ? content : "\"#{content.gsub(/["\\]/) { |character| "\\#{character}" }}\""
  end

  def self.base32(number, length)
    (length - 1).downto(0).map { |place| BASE32[number >> 5 * place & 31] }.join
  end

  def self.leading(octets, length)
    octets.unpack1("B*").scan(/.{5}/).first(length).map { |bits| BASE32[bits.to_i(2)] }.join
  end

  private

  def tell(redis, **fields)
    given = { at: Time.now.to_i, **fields }.reject { |_, value| value.to_s.empty? }
    redis.call("XADD", "#{@keys}intake", "*", *given.to_a.flatten.map(&:to_s))
  end

  def sign(prefix, form, address, tag: "", opt_in: "unknown", engagement: "unknown", date: Time.now.utc.to_date)
    raise ArgumentError, "not a tag: #{tag}" unless tag.match?(/\A[a-z0-9-]{0,8}\z/)

    recipient = Bounced.normalise(address)
    return unless recipient.match?(FITS)

    day = Bounced.base32((date - Date.new(1970, 1, 1)).to_i, 3)
    profile = OPT_IN.index(opt_in) << 3 | ENGAGEMENT.index(engagement) << 1
    mac = Bounced.leading(hmac([*form, @list, @key_id, day, BASE32[profile], tag, recipient].join("\0")), 13)
    masked = BASE32[profile ^ hmac("profile\0#{mac}").getbyte(0) >> 3]
    local_part = "#{prefix}#{@key_id}#{day}#{masked}#{mac}=#{tag}=#{recipient.sub('@', '=')}"
    "#{local_part}@#{@bounce_domain}" if local_part.bytesize <= 64
  end

  def hmac(text)
    OpenSSL::HMAC.digest("SHA256", @secret, text)
  end
end
