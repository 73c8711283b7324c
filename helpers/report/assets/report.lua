-- Shapes and cross-references of the report, once for both formats. Its numbers are those that numbering.py has written.
-- rendering.py hands over Div(notebook) > Div(cell) > code blocks, whose class says what their text is.
-- A broken rule becomes a line "PROBLEM ..." on stderr, which rendering.py makes an error; "NOTE ..." is passed on.

local typst = FORMAT == 'typst'
local GAP = '\u{2002}'  -- numbering.py's, between a heading's number and its title
local stringify = pandoc.utils.stringify

-- What Jupyter's Markdown and this one agree on; pandoc's other extensions would turn plain text into markup.
local PLAIN = 'markdown+lists_without_preceding_blankline-blank_before_header-blank_before_blockquote'
  .. '-citations-example_lists-fancy_lists-line_blocks-definition_lists-simple_tables-multiline_tables-grid_tables'
  .. '-subscript-superscript-raw_attribute-yaml_metadata_block-pandoc_title_block-latex_macros'
local CELL = PLAIN .. '+autolink_bare_uris'
-- Outputs may carry names of files and classes: whatever is in them, no markup of other languages.
local OUTPUT = PLAIN .. '-raw_html-raw_tex-native_divs-native_spans-markdown_in_html_blocks-smart-footnotes-inline_notes'
  .. '-fenced_divs-bracketed_spans-header_attributes-link_attributes-fenced_code_attributes-inline_code_attributes'
local HTML = 'html-raw_html-native_divs-native_spans'

-- In the PDF what is large moves to the head or the foot of a page, so that no page is left half empty before it.
local FLOATING, GALLERY = {inches = 1.5, rows = 12}, 5  -- figures of one section
local ROOM = {smallest = 150, legible = 105}  -- characters of a table's columns beside each other in the PDF
local LONG = {lines = 22, characters = 1500}  -- code and paragraphs that need not stay on one page
local notebook = ''
local problems, labels = {}, {}

-- Worth a line to the author, but no reason to stop.
local function note(text)
  if not typst then io.stderr:write('NOTE ' .. notebook .. ': ' .. text .. '\n') end
end

local function problem(text)
  problems[#problems + 1] = 'PROBLEM ' .. notebook .. ': ' .. text:gsub('%s+', ' ')
end

-- From notebook to notebook, and from a notebook to what only the report has: here all is one document.
local function inside(link)
  local name = link.target:match '^[%w_.-]+%.ipynb(#.*)$' or link.target:match '^%.%./reports/report%.html(#.*)$'
  if name then link.target = name end
  return link
end

local function read(text, format) return pandoc.Blocks(pandoc.read(text, format).blocks):walk{Link = inside} end
-- A string of Typst's, without control characters.
local function literal(text)
  return '"' .. text:gsub('[\\"]', '\\%0'):gsub('\n', '\\n'):gsub('%c', '') .. '"'
end

local function inlines(text) return pandoc.utils.blocks_to_inlines(read(text, CELL)) end

-- Labels -------------------------------------------------------------------------------------------------------------

local function labelled(name)
  if name and labels[name] then problem('the label ' .. name .. ' is used twice') end
  if name then labels[name] = true end
  return name or ''
end

-- A caption, with the number that its cell has got.
local function caption(cell, text)
  local long = inlines(text)
  if cell.number then long = pandoc.Inlines{pandoc.Strong(cell.number:gsub(' ', '\u{a0}') .. '.'), pandoc.Space()} .. long end
  return {long = {pandoc.Plain(long)}}
end

-- Mathematics --------------------------------------------------------------------------------------------------------

-- Between the pairs of columns of an aligned formula TeX leaves a gap; neither MathML nor Typst does.
local function gaps(body)
  local depth, cells, out, at = 0, 0, {}, 1
  while at <= #body do
    local token = body:match('^\\begin{%a+%*?}', at) or body:match('^\\end{%a+%*?}', at) or body:match('^\\.', at)
      or body:sub(at, at)
    if token:match '^\\begin' then depth = depth + 1 elseif token:match '^\\end' then depth = depth - 1 end
    at = at + #token
    if depth == 0 and token == '&' then
      cells = cells + 1
      if cells % 2 == 0 then token = '&\\qquad ' end
    elseif depth == 0 and token == '\\\\' then cells = 0 end
    out[#out + 1] = token
  end
  return table.concat(out)
end

local function tidy_tex(tex)
  for _, name in ipairs{'aligned', 'align', 'align%*', 'alignedat'} do
    tex = tex:gsub('(\\begin{' .. name .. '})(.-)(\\end{' .. name .. '})', function(open, body, close)
      return open .. gaps(body) .. close
    end)
  end
  if typst then  -- whose cases have no gap between their columns
    return (tex:gsub('(\\begin{cases})(.-)(\\end{cases})', function(open, body, close)
      return open .. body:gsub('&', '& \\quad ') .. close
    end))
  end
  return (tex:gsub('\\mathbf%s*{(%a)}', '\\textbf{%1}'):gsub('\\mathbf%s+(%a)', '\\textbf{%1}'))  -- else it is slanted
end

-- Accents over one letter are small; browsers stretch pandoc's. Rows of an aligned formula are display formulas.
local accents = {['\u{302}'] = '\u{2c6}', ['\u{303}'] = '\u{2dc}', ['\u{203e}'] = '\u{af}', ['\u{20d7}'] = '\u{2192}'}
local function tidy_mathml(text)
  for wide, narrow in pairs(accents) do
    text = text:gsub('(<mover><m[in][^<]*</m[in]><mo accent="true")>' .. wide, '%1 stretchy="false">' .. narrow)
  end
  return (text:gsub('<mtable>(<mtr><mtd columnalign="right" style="text%-align: right; padding%-right: 0">)',
    '<mtable displaystyle="true">%1'))
end

-- The formula in the format's own language, with its TeX for those who listen to it.
local function formula(math, settings)
  local tex = math.text:gsub('^%s+', ''):gsub('%s+$', '')
  math.text = tidy_tex(math.text)
  local text = pandoc.write(pandoc.Pandoc{pandoc.Plain{math}}, FORMAT, {html_math_method = 'mathml'}):gsub('%s+$', '')
  if not text:match(typst and '^%$.*%$$' or '^<math') then problem('TeX that cannot be converted: ' .. tex) end
  if not typst then return tidy_mathml(text) end
  text = text:gsub('([^(])"(%a+)" (\\?%()', '%1op("%2") %3')  -- f(x), not f (x)
  return '#math.equation(' .. (settings or '') .. 'alt: ' .. literal(tex) .. ', ' .. text .. ')'
end

local function equation(math, name)
  local digits
  math.text = math.text:gsub('%s*\\tag{([%w.]*)}', function(tag) digits = tag; return '' end)
  labelled(name)
  if typst then
    local settings = 'block: true, ' .. (digits and 'numbering: _ => [(' .. digits .. ')], ' or '')
    return pandoc.RawBlock('typst', formula(math, settings) .. (name and ' <' .. name .. '>' or ''))
  end
  local inside = {pandoc.Div(pandoc.Plain{pandoc.RawInline('html', formula(math))}, {class = 'formula'})}
  if digits then inside[2] = pandoc.Plain{pandoc.Span('(' .. digits .. ')', {class = 'number'})} end
  return pandoc.Div(inside, {id = name or '', class = 'equation'})
end

-- A display formula is a block of its own, also where Markdown has it inside a paragraph; its label stands before it.
local function split(paragraph)
  local blocks, text, name = pandoc.Blocks{}, pandoc.Inlines{}, nil
  local function flush()
    while #text > 0 and (text[#text].t == 'SoftBreak' or text[#text].t == 'Space') do text:remove() end
    while #text > 0 and (text[1].t == 'SoftBreak' or text[1].t == 'Space') do text:remove(1) end
    if #text > 0 then blocks:insert(paragraph.t == 'Plain' and pandoc.Plain(text) or pandoc.Para(text)) end
    text = pandoc.Inlines{}
  end
  for _, inline in ipairs(paragraph.content) do
    if inline.t == 'RawInline' and inline.format == 'tex' then inline = pandoc.Math('DisplayMath', inline.text) end
    local anchor = inline.t == 'RawInline' and inline.text:match '^<a id="(eq%-[^"]*)">$'
    if inline.t == 'Math' and inline.mathtype == 'DisplayMath' then
      flush()
      blocks:insert(equation(inline, name))
      name = nil
    elseif anchor then name = anchor
    elseif not (name and inline.t == 'RawInline' and inline.text == '</a>') then
      text:insert(inline.t == 'Math' and pandoc.RawInline(FORMAT, formula(inline) .. (typst and ';' or '')) or inline)
    end
  end
  flush()
  return blocks
end

-- Raw HTML -----------------------------------------------------------------------------------------------------------

local allowed = pandoc.List{'a', 'b', 'br', 'details', 'em', 'i', 'kbd', 'strong', 'sub', 'summary', 'sup'}
local in_typst = {['<details>'] = '#aside[', ['</details>'] = ']', ['<summary>'] = '#summary[', ['</summary>'] = ']',
  ['<br>'] = '#linebreak()', ['<sub>'] = '#sub[', ['</sub>'] = ']', ['<sup>'] = '#super[', ['</sup>'] = ']'}

local function raw_html(element)
  if element.format ~= 'html' or element.text:match '^<!%-%-' then return nil end
  local close, tag = element.text:match '^<(/?)(%a+)[^<>]*>%s*$'
  if not allowed:includes(tag) or element.text:match '[%s"\'/]on%a+%s*=' or element.text:lower():match 'javascript:' then
    problem('raw HTML that the report cannot take: ' .. element.text:sub(1, 80))
  elseif typst then
    local text = in_typst['<' .. close .. tag .. '>']  -- what is not there, Typst's writer drops
    if text then return element.t == 'RawBlock' and pandoc.RawBlock('typst', text) or pandoc.RawInline('typst', text) end
  end
end

local function bare_rows(rows)
  for _, row in ipairs(rows) do
    row.attr = pandoc.Attr()
    for _, cell in ipairs(row.cells) do cell.attr, cell.alignment = pandoc.Attr(), 'AlignDefault' end
  end
end

local function bare_table(t)
  t.attr = pandoc.Attr()
  bare_rows(t.head.rows)
  bare_rows(t.foot.rows)
  for _, body in ipairs(t.bodies) do
    body.attr = pandoc.Attr()
    bare_rows(body.head)
    bare_rows(body.body)
  end
  return t
end

-- What comes out of outputs is made harmless: no attributes, links lead to the web or inside, nothing is loaded.
local repository
local harmless = {
  Link = function(link)
    local file = link.target:match '^%.%./(helpers/[%w_/]+%.py)$'  -- of which `source` shows some
    if file and repository then link.target = repository .. '/blob/main/' .. file end
    if not (link.target:match '^https?://' or link.target:match '^#') then return link.content end
    link.attr = pandoc.Attr()
    return link
  end,
  Image = function(image) return image.caption end,
  Header = function(header) return pandoc.Para{pandoc.Strong(header.content)} end,
  Code = function(inline) return pandoc.Code(inline.text) end,
  CodeBlock = function(block)
    return pandoc.CodeBlock(block.text, {'', block.classes[1] == 'python' and {'python'} or {}})
  end,
  Figure = function(block) return block.content end,
  Div = function(div) return div.content end,
  Span = function(span) return span.content end,
  RawInline = function(element) return pandoc.Str(element.text) end,
  RawBlock = function(element) return pandoc.CodeBlock(element.text) end,
  Table = bare_table,
}

-- Code and text ------------------------------------------------------------------------------------------------------

local WIDTH = 95  -- characters of the code's size between the PDF's margins

-- Where a line may be cut so that at most WIDTH characters stand before it.
local function cut_at(line, indent)
  local cut = (utf8.offset(line, WIDTH + 1) or WIDTH + 1) - 1
  local best = line:sub(1, cut):match '.* ()'  -- rather between words than after a sign
  if not best or best <= cut / 2 then best = line:sub(1, cut):match '.*[,(%[{=+*/|]()' end
  return best and best > cut / 2 and best > #indent + 5 and best - 1 or cut
end

local function wrapped_line(line, indent, hanging, lines)
  while (utf8.len(line) or #line) > WIDTH do
    local cut = cut_at(line, indent)
    lines[#lines + 1] = line:sub(1, cut):gsub(' +$', '')
    line = indent .. hanging .. line:sub(cut + 1):gsub('^ +', '')
  end
  lines[#lines + 1] = line
end

-- A line of Python's in its code and the comment behind it, which begins at no sign inside a text.
local function code_and_comment(line)
  local quote
  for at = 1, #line do
    local sign = line:sub(at, at)
    if quote then quote = sign ~= quote and quote or nil
    elseif sign == '"' or sign == "'" then quote = sign
    elseif sign == '#' then return line:sub(1, at - 1):gsub(' +$', ''), line:sub(at) end
  end
  return line, nil
end

-- Code that is too wide has its comment above it, whose further lines are comments too; a text has none.
local function wrapped(text, of_code)
  local lines = {}
  for line in (text .. '\n'):gmatch '(.-)\n' do
    local indent = line:match '^ *'
    if (utf8.len(line) or #line) > WIDTH and of_code then
      local before, comment = code_and_comment(line)
      if comment then wrapped_line(indent .. comment, indent, '# ', lines) end
      line = before
      if comment and not line:match '%S' then goto done end
    end
    wrapped_line(line, indent, '    ', lines)
    ::done::
  end
  return table.concat(lines, '\n')
end

local function code(block)
  if not typst then return block end
  block.text = wrapped(block.text, true)
  local _, breaks = block.text:gsub('\n', '')
  if breaks < LONG.lines then return block end  -- what is longer may break over pages, with no figure in between
  return {pandoc.RawBlock('typst', '#place.flush()'), block}
end

local function quiet(text)
  if typst then
    return pandoc.RawBlock('typst', '#output(' .. literal(wrapped((text:gsub('\t', '    ')))) .. ')')
  end
  return pandoc.CodeBlock(text, {'', {'output'}})
end

local function source(block, cell)
  if typst then block.text = block.attributes.pdf end  -- on paper code that only writes text has been read below
  if cell.input == 'none' or (typst and cell.input == 'fold') or block.text == '' then return {} end
  block.classes, block.attributes = {'python'}, {}
  if typst then return pandoc.Blocks(code(block)) end
  local first = block.text:match '^[^\n]*'
  local says = cell.number or cell.solution and 'the solution' or first:match '^import' and 'imports' or first:match '^from' and 'imports'
  says = says and 'Code of ' .. says or 'Code: ' .. first
  says = says:gsub('Code of imports', 'Code: imports'):gsub('&', '&amp;'):gsub('<', '&lt;')
  local open = cell.input == 'fold' and '' or ' open'  -- what teaches is open, what draws and sets up is folded
  return {pandoc.RawBlock('html', '<details class="code"' .. open .. '><summary>' .. says .. '</summary>'), block,
    pandoc.RawBlock('html', '</details>')}
end

-- Cells --------------------------------------------------------------------------------------------------------------

local function tidy_table(t, of_html)
  for i, column in ipairs(t.colspecs) do
    if of_html then column[1] = i == 1 and 'AlignLeft' or 'AlignRight' end
    column[2] = nil  -- pandoc would fix widths by the dashes in the source, which no reader has counted
  end
  return t
end

local function captioned_table(cell)
  return {Table = function(t)
    if cell.found_table then return nil end
    t.caption = caption(cell, cell['tbl-cap'])
    t.attr = pandoc.Attr(labelled(cell.label))
    cell.found_table = 'yes'
    return t
  end}
end

local function markup(block, cell)
  local of_html = block.classes[1] == 'html'
  local blocks = read(block.text, of_html and HTML or OUTPUT):walk(harmless)
  blocks = blocks:walk{Table = function(t) return tidy_table(t, of_html) end}
  if typst then blocks = blocks:walk{CodeBlock = code} end
  return cell['tbl-cap'] and blocks:walk(captioned_table(cell)) or blocks
end

local function figure(pictures, cell)
  local content = pictures:map(function(picture) return pandoc.Plain{picture} end)
  return pandoc.Figure(content, caption(cell, cell['fig-cap']), {labelled(cell.label), {}, {tall = cell.tall}})
end

local function picture(block, cell)
  if not cell['fig-alt'] then
    note('without #| fig-alt, who cannot see gets no more than a caption of ' .. (cell.label or 'a picture'))
  end
  local alt = cell['fig-alt'] or stringify(inlines(cell['fig-cap'] or 'Picture'))
  local a = block.attributes
  cell.tall = tostring((tonumber(cell.tall) or 0) + a.tall)
  if typst then
    return pandoc.RawInline('typst', '#image("' .. a.pdf .. '", width: ' .. a.inches .. 'in, alt: ' .. literal(alt) .. ')')
  end
  local still = pandoc.Image({pandoc.Str(alt)}, a.src, '', {width = a.width, height = a.height})
  if block.text == '' then return still end
  local script = '<script type="application/json" class="live">' .. block.text .. '</script>'
  return pandoc.Span{still, pandoc.RawInline('html', script)}  -- the page's own scripts make it answer
end

local function centred(plain)
  if not typst then return {pandoc.Div(plain, {class = 'picture'})} end
  return {pandoc.RawBlock('typst', '#align(center)['), plain, pandoc.RawBlock('typst', ']')}
end

local function code_cell(cell, content)
  local blocks, pictures = pandoc.Blocks{}, pandoc.List{}
  if #content == 0 then return blocks end
  for _, block in ipairs(content) do
    local kind = block.classes[1]
    if kind == 'source' then blocks:extend(source(block, cell))
    elseif kind == 'text' then blocks:insert(quiet(block.text))
    elseif kind == 'undrawn' then
      blocks:insert(pandoc.Div(pandoc.Para{pandoc.Strong(cell.number .. '.'), pandoc.Space(), pandoc.Str(block.text)},
        {id = labelled(cell.label)}))
      return blocks
    elseif kind == 'markdown' or kind == 'html' then blocks:extend(markup(block, cell))
    elseif cell['fig-cap'] then pictures:insert(picture(block, cell))
    else blocks:extend(centred(pandoc.Plain{picture(block, cell)})) end
  end
  if #pictures > 0 then blocks:insert(figure(pictures, cell))
  elseif cell['fig-cap'] then problem('there is no picture for the caption "' .. cell['fig-cap'] .. '"') end
  if cell['tbl-cap'] and not cell.found_table then problem('there is no table for the caption "' .. cell['tbl-cap'] .. '"') end
  return blocks
end

local function markdown_cell(content)
  local blocks = read(content[1].text, CELL):walk{RawInline = raw_html, RawBlock = raw_html, CodeBlock = code,
    Table = function(t) return tidy_table(t, false) end}
  return blocks:walk{
    RawBlock = function(raw) if raw.format == 'tex' then return pandoc.Para{pandoc.Math('DisplayMath', raw.text)} end end,
    Image = function(image)
      if not image.src:match '^media/' then problem('a picture must be drawn in a cell or attached: ' .. image.src) end
    end,
  }
end

-- In HTML a solution is folded where it belongs; the PDF has all of them at its end, with links both ways.
local exercise, solutions = '', pandoc.List{}
local function solution(cell, blocks)
  if not cell.solution then return blocks end
  if not typst then
    local open = '<details class="solution"><summary>Solution of exercise ' .. exercise .. '</summary>'
    blocks:insert(1, pandoc.RawBlock('html', open))
    blocks:insert(pandoc.RawBlock('html', '</details>'))
    return blocks
  end
  local name = notebook .. '-' .. exercise
  local last = solutions[#solutions]
  if last and last.name == name then last.blocks:extend(blocks); return {} end
  solutions:insert{name = name, chapter = notebook, exercise = exercise, blocks = blocks}
  return {pandoc.RawBlock('typst', '#to-solution("' .. name .. '")')}
end

local function cell_blocks(div)
  local cell = div.attributes
  local is_code = div.classes[2] == 'code'
  return solution(cell, is_code and code_cell(cell, div.content) or markdown_cell(div.content))
end

-- Notebooks ----------------------------------------------------------------------------------------------------------

local function headings(appendix)
  local level = 0
  return function(header)
    local name
    header.content = header.content:walk{RawInline = function(raw) name = raw.text:match 'id="([^"]*)"' or name; return {} end}
    while #header.content > 0 and header.content[#header.content].t == 'Space' do header.content:remove() end
    local number, rest = stringify(header.content[1] or ''):match('^([%w.]+)' .. GAP .. '(.*)$')
    if not number then problem('a heading must begin its line with #: "' .. stringify(header) .. '"'); number, rest = '', '' end
    if rest ~= '' then header.content[1] = pandoc.Str(rest) else header.content:remove(1) end
    if header.level > level + 1 then problem('the heading "' .. stringify(header) .. '" skips a level') end
    if header.level == 1 and level > 0 then problem('there is a second chapter heading, "' .. stringify(header) .. '"') end
    if appendix and level == 0 then header.classes = {'appendix'} end
    level = header.level
    header.identifier = labelled(name or ('s' .. number:gsub('%.', '-')))
    header.attributes.number = number
    return header
  end
end

-- Where a chapter's large figures go in the PDF: near its title to the foot of the page, never above the title; below a
-- heading without other text nowhere else; and those of a gallery no further than into the next section.
local function placed_figures(blocks)
  local result, sections, figures, before = pandoc.Blocks{}, 0, 0, 0
  for i, block in ipairs(blocks) do
    if block.t == 'Header' and block.level == 2 then
      if typst and before >= GALLERY then result:insert(pandoc.RawBlock('typst', '#place.flush()')) end
      sections, before, figures = sections + 1, figures, 0
    end
    local place = i > 1 and blocks[i - 1].t == 'Header' and 'none' or sections < 2 and 'bottom' or 'auto'
    local function placing(figure)
      figure.attributes.place, figures = place, figures + 1
      return figure
    end
    result:insert(block.t == 'Figure' and placing(block) or block:walk{Figure = placing})
  end
  return result
end

-- In the PDF no end of a page, and so no figure there, is within a paragraph, or between a formula or code and the words
-- that lead to it.
local function kept_together(blocks)
  if not typst then return blocks end
  local result = pandoc.Blocks{}
  for i, block in ipairs(blocks) do
    local following = blocks[i + 1] or {}
    local leads = following.t == 'RawBlock' and following.text:match '^#math' or stringify(block):match ':$'
    local open = '#block(breakable: false, spacing: .98em, sticky: ' .. tostring(leads and true or false) .. ')['
    if block.t == 'Para' and #stringify(block) < LONG.characters then result:extend{pandoc.RawBlock('typst', open), block, pandoc.RawBlock('typst', ']')}
    else result:insert(block) end
  end
  return result
end

local function chapter_blocks(div)
  local appendix = div.attributes.appendix
  notebook = div.attributes.name
  local blocks = pandoc.Blocks{}
  for _, cell in ipairs(div.content) do
    if cell.classes[2] == 'markdown' then
      exercise = ('\n' .. cell.content[1].text):match '.*\n%*%*(%d+)%.%*%*' or exercise
    end
    blocks:extend(cell_blocks(cell))
  end
  if not (blocks[1] and blocks[1].t == 'Header' and blocks[1].level == 1) then
    problem('it must begin with a first-level heading, the title of its chapter')
  end
  blocks = blocks:walk{Header = headings(appendix)}:walk{Para = split, Plain = split}
  if appendix then
    blocks = blocks:walk{Table = function(element) element.attributes.stays = 'yes'; return element end}
  end
  return kept_together(placed_figures(blocks))
end

local function resolved(link)
  local name = link.target:match '^#(.*)'
  if not name then return nil end
  if not labels[name] then problem('there is nothing with the label ' .. name) end
  local text = stringify(link)
  if text:match '^%u%a+ [%w.]+$' then link.content = {pandoc.Str((text:gsub(' ', '\u{a0}')))} end
  return link
end

local function placed(element, where)
  return {pandoc.RawBlock('typst', '#[\n#set figure(placement: ' .. where .. ')\n'), element, pandoc.RawBlock('typst', ']')}
end

local function placed_figure(figure)
  local a = figure.attributes
  local where = (tonumber(a.tall) or 0) > FLOATING.inches and a.place or 'none'
  a.tall, a.place = nil, nil
  return typst and where ~= 'none' and placed(figure, where) or figure
end

-- Columns of a table that stand side by side in the PDF, in groups that begin with the first, its rows' names.
local function column_groups(t)
  local widths, rows, total = {}, pandoc.List{}, 0
  rows:extend(t.head.rows)
  for _, body in ipairs(t.bodies) do rows:extend(body.body) end
  for _, row in ipairs(rows) do
    for k, cell in ipairs(row.cells) do widths[k] = math.max(widths[k] or 0, 3 + utf8.len(stringify(cell.contents))) end
  end
  for _, width in ipairs(widths) do total = total + width end
  if #widths < 5 or total <= ROOM.smallest then return {} end
  local groups, room = {}, 0
  for k = 2, #widths do
    if #groups == 0 or room + widths[k] > ROOM.legible then groups[#groups + 1], room = {1}, widths[1] end
    table.insert(groups[#groups], k)
    room = room + widths[k]
  end
  return groups
end

local function of_columns(t, group, first)
  local function chosen(list) return pandoc.List(group):map(function(k) return list[k] end) end
  local function part(row) return pandoc.Row(chosen(row.cells)) end
  local bodies = pandoc.List(t.bodies):map(function(body)
    return {attr = pandoc.Attr(), head = {}, body = pandoc.List(body.body):map(part), row_head_columns = 0}
  end)
  local caption, attr = first and t.caption or {long = {}}, first and t.attr or pandoc.Attr()
  return pandoc.Table(caption, chosen(t.colspecs), pandoc.TableHead(pandoc.List(t.head.rows):map(part)), bodies,
    pandoc.TableFoot(), attr)
end

-- Wide tables scroll in HTML, and in the PDF the template fits them; only long ones may break over pages there.
local function one_table(t)
  local stays = t.attributes.stays
  t.attributes.stays = nil
  if not typst then return pandoc.Div(t, {class = 'table'}) end
  local rows = 0
  for _, body in ipairs(t.bodies) do rows = rows + #body.body end
  local floats = rows > FLOATING.rows and #t.caption.long > 0 and not stays
  if rows <= 25 then return floats and placed(t, 'auto') or t end
  local open = pandoc.RawBlock('typst', '#[\n#show figure: set block(breakable: true)\n')
  return {open, t, pandoc.RawBlock('typst', ']')}
end

local function placed_table(t)
  local groups = typst and column_groups(t) or {}
  if #groups < 2 then return one_table(t) end
  local blocks = pandoc.Blocks{}
  for k, group in ipairs(groups) do
    local part = one_table(of_columns(t, group, k == 1))
    blocks:extend(pandoc.utils.type(part) == 'Block' and {part} or part)
  end
  return blocks
end

-- Pandoc's writer knows only at the head of a paragraph that these begin a heading or a list of Typst's; they also do in
-- a cell of a table, in bold and in a link.
local function no_markup(str)
  local text = str.text
  if text:match '^=+$' or text:match '^[-+/]$' then return pandoc.RawInline('typst', '\\' .. text) end
  if text:match '^%d+%.$' then return pandoc.RawInline('typst', text:sub(1, -2) .. '\\.') end
end

-- A number and its sign of per cent stay on one line.
local function per_cent(inlines)
  for i = 2, #inlines - 1 do
    local before, gap, after = inlines[i - 1], inlines[i], inlines[i + 1]
    if before.t == 'Str' and after.t == 'Str' and before.text:match '%d$' and after.text:match '^%%'
      and (gap.t == 'Space' or gap.t == 'SoftBreak') then inlines[i] = pandoc.Str '\u{a0}' end
  end
  return inlines
end

function Pandoc(doc)
  repository = doc.meta['repository-code'] and stringify(doc.meta['repository-code']):gsub('/$', '')
  local chapters, abstract = pandoc.List{}, nil
  doc.meta.abstract = nil  -- the citation's
  for _, div in ipairs(doc.blocks) do
    if div.classes[1] == 'abstract' then abstract = div.content[1].text
    else chapters:insert{name = div.attributes.name, appendix = div.attributes.appendix, blocks = chapter_blocks(div)} end
  end
  local result, appendices = pandoc.Blocks{}, false
  local function solved()
    if #solutions == 0 then return end
    result:insert(pandoc.Header(1, 'Solutions', {'', {'unnumbered'}}))
    for _, each in ipairs(solutions) do
      result:insert(pandoc.RawBlock('typst', '// notebook: ' .. each.chapter .. '\n#solution("' .. each.name .. '", ['))
      result:extend(each.blocks:walk{Para = split, Plain = split}:walk{Link = resolved, Table = placed_table})
      result:insert(pandoc.RawBlock('typst', '])'))
    end
  end
  for _, part in ipairs(chapters) do
    notebook = part.name
    if typst and part.appendix and not appendices then solved() end
    if typst and part.appendix and not appendices then result:insert(pandoc.RawBlock('typst', '#show: appendices')) end
    appendices = part.appendix
    if typst then result:insert(pandoc.RawBlock('typst', '// notebook: ' .. notebook)) end
    result:extend(part.blocks:walk{Link = resolved, Table = placed_table, Figure = placed_figure})
  end
  if abstract then
    notebook = 'the abstract'
    doc.meta.abstract = read(abstract, OUTPUT):walk(harmless):walk{Para = split}:walk{Link = resolved}
  end
  table.sort(problems)
  if #problems > 0 then io.stderr:write(table.concat(problems, '\n'), '\n') end
  result = result:walk{Inlines = per_cent}
  -- In HTML the first level is the report's title.
  doc.blocks = result:walk(typst and {Str = no_markup} or {Header = function(h) h.level = h.level + 1; return h end})
  return doc
end
