<?php
// Stands around the example for PHP in docs/client.md: ext-redis, a mail to send, and PHPMailer.

require 'Bounced.php';

final class Connection
{
    private $socket;

    public function __construct()
    {
        $this->socket = stream_socket_client('unix://' . getenv('REDIS_SOCKET'));
    }

    public function rawCommand(string ...$words)
    {
        $packed = implode('', array_map(fn ($word) => '$' . strlen($word) . "\r\n$word\r\n", $words));
        fwrite($this->socket, '*' . count($words) . "\r\n$packed");
        return $this->reply();
    }

    private function reply()
    {
        $line = rtrim(fgets($this->socket), "\r\n");
        $said = substr($line, 1);
        return match ($line[0]) {
            '*' => array_map(fn () => $this->reply(), range(1, (int) $said)),
            '$' => substr(stream_get_contents($this->socket, (int) $said + 2), 0, -2),
            ':' => (int) $said,
            default => $said,
        };
    }
}

final class Mailer
{
    public string $Sender = '';
    public array $headers = [];
    public array $sent = [];

    public function clearCustomHeaders(): void
    {
        $this->headers = [];
    }

    public function addCustomHeader(string $name, string $value): void
    {
        $this->headers[$name] = $value;
    }

    public function send(): void
    {
        $this->sent[] = ['from' => $this->Sender, 'headers' => $this->headers];
    }
}

$phpredis = new Connection();
$mailer = new Mailer();
$to = getenv('RECIPIENT');
$recipients = ['alice@example.org', 'bob@example.net'];

// EXAMPLE

echo json_encode(['sent' => $mailer->sent, 'left' => $left]);
