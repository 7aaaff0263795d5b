# The files of lua/voltgate, as a plugin uses them: lists, templates and
# conditions; and that there is no other which nobody tries.

use strict;
use warnings;

use Test::More;

use Voltgate;

my $lua = <<'END';
local list = require "voltgate.list"
local rule = require "voltgate.rule"
local template = require "voltgate.template"
local escapes = { text = template.text, html = template.html, line = template.line, cut = function(text) return template.cut(text, 7) end }
return {
    abi = 9, name = "library", version = "1", about = "a test",
    routes = {
        { "POST", "/library/fill", about = "A template", fields = {
            { "body", "text", "text", required = true, max = 100000 }, { "body", "values", "any", required = true }, { "body", "escape", "text" } },
          check = function(call)
              local v = call.values
              local wrong = template.wrong(v.text)
              if wrong then return { wrong = wrong } end
              local ok, made = pcall(template.render, v.text, v.values, v.escape and escapes[v.escape])
              return { made = ok and made or nil, err = not ok and made or nil }
          end },
        { "POST", "/library/list", about = "Lists", fields = { { "body", "items", "array", required = true, item = { "any" } } },
          check = function(call)
              local items = call.values.items
              local heavy = list.filter(items, function(item) return item.weight > 10 end)
              return { heavy = heavy, names = list.map(items, function(item, i) return item.name and item.name .. i end),
                  by = list.by(items, "name"), items = items, none = list.map({}, tostring) }
          end },
        { "POST", "/library/rule", about = "A condition", fields = {
            { "body", "condition", "any", required = true }, { "body", "payload", "any", required = true } },
          check = function(call)
              local v = call.values
              local wrong = rule.wrong(v.condition)
              if wrong then return { wrong = wrong } end
              return { matches = rule.matches(v.condition, v.payload) }
          end },
    },
}
END

my $vg = Voltgate->start(own_cluster => 1, plugins => ['accounts'], authored => { library => { 'plugin.lua' => $lua } });

my %tried = map { $_ => 1 } map { open my $file, '<', $_ or die "$_: $!"; local $/ = undef; <$file> =~ /"voltgate\.(\w+)"/g } glob "$Voltgate::ROOT/t/lua/*.t";
is_deeply [ grep { !$tried{$_} } map { m{([^/]+)\.lua$} } glob "$Voltgate::ROOT/lua/voltgate/*.lua" ], [], 'each file is tried, here or beside';

my @items = ({ name => 'a', weight => 9 }, { weight => 11 }, { name => 'c', weight => 12 }, { name => 'd', weight => 9 });
is_deeply $vg->post('/api/v1/library/list', { items => \@items })->{json}, { heavy => [ @items[ 1, 2 ] ], names => [ 'a1', 'c3', 'd4' ],
    by => { a => $items[0], c => $items[2], d => $items[3] }, items => \@items, none => [] }, 'lists are lists, also empty ones, and the given one is as it was';
is_deeply $vg->post('/api/v1/library/list', { items => [] })->{json}{heavy}, [];

sub fill { my ($text, $values, $escape) = @_; return $vg->post('/api/v1/library/fill', { text => $text, values => $values, $escape ? (escape => $escape) : () })->{json} }

my @templates = (
    [ 'Hello {{name}}!', { name => 'Ann' }, 'Hello Ann!' ],
    [ 'Hello {{name}}!', {}, 'Hello !' ],
    [ '{{n}} {{m}} {{b}}', { n => 3, m => 2.5, b => [1] }, '3 2.5 ' ],
    [ '{{a|money}} {{b|money}} {{c|money}} {{d|money}} {{e|money}}', { a => '7.1', b => '12', c => '0.49000', d => '-3.5', e => 'x' }, '7.10 12.00 0.49000 -3.50 x' ],
    [ '{{at|local}} {{to|local}}', { at => 'Z', atLocal => 'noon', to => 'Z' }, 'noon Z' ],
    [ '{{#a}}[{{a}}{{#b}}+{{b}}{{/b}}]{{/a}}{{^b}}none{{/b}}', { a => 1 }, '[1]none' ],
    [ '{{#a}}x{{/a}}y', {}, 'y' ],
    [ '{{a|upper}} }} {', { a => 'ok' }, 'OK }} {' ],
    [ '{{a}}', { a => '{{b}}', b => 'x' }, '{{b}}' ],
    [ '<p>{{a}}</p>', { a => q{<script>"&'} }, '<p>&lt;script&gt;&quot;&amp;&#39;</p>', 'html' ],
    [ '{{a}}', { a => 'short' }, 'short', 'cut' ], [ '{{a}}', { a => 'just too long' }, 'just to', 'cut' ],
    [ '{{a}}', { a => "\x{434}\x{43e}\x{43c}" }, "\x{434}\x{43e}\x{43c}", 'cut' ],
    [ '{{a}}', { a => "\x{434}\x{43e}\x{43c}\x{430}" }, "\x{434}\x{43e}\x{43c}", 'cut' ], [ '{{a}}', { a => "12345\x{20ac}" }, '12345', 'cut' ],
    [ 'S: {{a}}', { a => "x\r\nBcc: eve" }, 'S: x Bcc: eve', 'line' ],
);
for my $case (@templates) {
    my ($text, $values, $made, $escape) = @$case;
    is fill($text, $values, $escape)->{made}, $made, $text;
}
my %none = ('{{a' => 'is not closed', '{{}}' => 'has no name', '{{a b}}' => 'has no name', '{{#a}}x' => 'is not closed', '{{/a}}' => 'closes nothing',
    '{{#a}}{{/b}}' => 'closes nothing', '{{a|shout}}' => 'there is no filter shout', '{{#a}}' x 9 => 'within 8 others',
    '{{a}}' x 501 => 'more than 500 places', 'x' x 65_537 => 'longer than 64 KiB');
like fill($_, {})->{wrong} // '', qr/\Q$none{$_}\E/, substr $_, 0, 20 for sort keys %none;
like fill('{{a}}' x 500, { a => 'x' x 1000 })->{err} // '', qr/256 KiB/, 'what is made of it has an end';

sub matches { my ($condition, $payload) = @_; my $r = $vg->post('/api/v1/library/rule', { condition => $condition, payload => $payload }); return $r->{json} }
sub term { my ($field, $op, $value) = @_; return { field => $field, op => $op, value => $value } }

my $payload = { n => 19.5, zero => 0, text => 'Faulted', at => '2026-01-02T00:00:00Z', deep => { n => 1 }, list => [ 'a', 2 ], on => JSON::PP::true(), long => '12345678901234567890' };
my @conditions = (
    [ {}, 1 ], [ term('n', 'lt', 20), 1 ], [ term('n', 'lt', 19.5), 0 ], [ term('n', 'le', 19.5), 1 ], [ term('n', 'gt', 19.4), 1 ], [ term('n', 'ge', 20), 0 ],
    [ term('zero', 'eq', 0), 1 ], [ term('text', 'eq', 'Faulted'), 1 ], [ term('text', 'ne', 'Faulted'), 0 ], [ term('none', 'ne', 'x'), 1 ],
    [ term('none', 'lt', 5), 0 ], [ term('text', 'lt', 5), 0 ], [ term('n', 'eq', '19.5'), 0 ], [ term('at', 'lt', '2026-01-03T00:00:00Z'), 1 ],
    [ term('deep.n', 'eq', 1), 1 ], [ term('deep.n.x', 'eq', 1), 0 ], [ term('list', 'contains', 'a'), 1 ], [ term('list', 'contains', '2'), 0 ], [ term('text', 'contains', 'ault'), 1 ],
    [ term('text', 'among', [ 'Available', 'Faulted' ]), 1 ], [ term('text', 'among', ['x']), 0 ], [ term('n', 'exists', JSON::PP::true()), 1 ],
    [ term('none', 'exists', JSON::PP::false()), 1 ], [ term('on', 'eq', JSON::PP::true()), 1 ], [ term('on', 'eq', JSON::PP::false()), 0 ], [ term('long', 'gt', 5), 1 ],
    [ { all => [ term('n', 'lt', 20), term('zero', 'eq', 0) ] }, 1 ], [ { all => [ term('n', 'lt', 20), term('zero', 'eq', 1) ] }, 0 ],
    [ { any => [ term('n', 'gt', 20), term('zero', 'eq', 0) ] }, 1 ], [ { any => [ term('n', 'gt', 20) ] }, 0 ], [ { not => term('n', 'gt', 20) }, 1 ],
);
for my $case (@conditions) {
    my ($condition, $is) = @$case;
    my $said = matches($condition, $payload);
    is $said->{wrong}, undef;
    is !!$said->{matches}, !!$is, JSON::PP->new->canonical->encode($condition);
}
my @bad = ([ [ 1 ], 'is not known' ], [ 'x', 'must be an object' ], [ term('n', 'near', 1), 'op must be' ], [ term('a b', 'eq', 1), 'name of a member' ],
    [ term('n', 'lt', JSON::PP::true()), 'a string or a number' ], [ { field => 'n', op => 'lt' }, 'a string or a number' ], [ term('n', 'among', []), 'list of 1 to 100' ],
    [ term('n', 'exists', 1), 'true or false' ], [ { all => [] }, 'must be a list' ], [ { all => [ {} ] }, 'one of all' ], [ { all => [ term('n', 'lt', 1) ], any => [] }, 'one of all' ],
    [ { %{ term('n', 'lt', 1) }, x => 1 }, 'x is not known' ], [ { any => [ (term('n', 'lt', 1)) x 70 ] }, 'more than 64 terms' ]);
like matches($_->[0], {})->{wrong} // '', qr/\Q$_->[1]\E/, "no condition: $_->[1]" for @bad;
my $deep = term('n', 'lt', 1);
$deep = { not => $deep } for 1 .. 9;
like matches($deep, {})->{wrong} // '', qr/deeper than 8/, 'nor one that is too deep';
unlike $vg->log, qr/\.lua:\d+/, 'no fault';

done_testing;
